// The one event stream: connects, resumes where it was, and hands over what came, once a frame of the screen.
//
// A hidden page closes it: it costs nothing then, and catches up from the server's buffer when it is seen again.

const FIRST_PAUSE = 250;
const LONGEST_PAUSE = 4000;
const KINDS = ["hello", "entries", "state", "lab", "gap", "exercise"];

/** Without a word for so long, in milliseconds, the connection is taken for dead: state frames come each second. */
const DEAD_AFTER = 15_000;

export class Stream {
  #path;
  #take;
  #told;
  #source = null;
  #last = null;
  #queue = [];
  #frame = 0;
  #pause = FIRST_PAUSE;
  #timer = 0;
  #heard = 0;

  /** `take(frames)` gets arrays of [kind, data]; `told(connected, why)` hears of connections made, lost and put off. */
  constructor(path, take, told) {
    this.#path = path;
    this.#take = take;
    this.#told = told;
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) {
        this.#close();
        this.#told(false, "hidden");
      } else {
        this.#pause = FIRST_PAUSE;
        this.open();
      }
    });
    setInterval(() => {
      if (this.#source && performance.now() - this.#heard > DEAD_AFTER) this.#lost();
    }, 1000);
  }

  open() {
    clearTimeout(this.#timer);
    if (this.#source || document.hidden) return;
    const since = this.#last === null ? "" : `?since=${encodeURIComponent(this.#last)}`;
    const source = new EventSource(this.#path + since);
    this.#source = source;
    this.#heard = performance.now();
    source.onopen = () => {
      this.#pause = FIRST_PAUSE;
      this.#heard = performance.now();
      this.#told(true, "open");
    };
    // The browser's own attempts end for good at some answers; ours do not.
    source.onerror = () => this.#lost();
    // A lab all of whose nodes have ended has nothing else to say.
    source.addEventListener("alive", () => (this.#heard = performance.now()));
    for (const kind of KINDS) source.addEventListener(kind, (event) => this.#came(kind, event));
  }

  /** Another server answers at the same place: its entries are numbered anew, so all of them are asked for. */
  restart() {
    this.#close();
    this.#last = null;
    this.open();
  }

  #came(kind, event) {
    this.#heard = performance.now();
    let data;
    try {
      data = JSON.parse(event.data);
    } catch {
      return;
    }
    if (event.lastEventId !== "" && kind === "entries") this.#last = event.lastEventId;
    this.#queue.push([kind, data]);
    this.#frame ||= requestAnimationFrame(() => this.#hand());
  }

  #hand() {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    const frames = this.#queue;
    this.#queue = [];
    if (frames.length > 0) this.#take(frames);
  }

  #lost() {
    this.#close();
    this.#told(false, "lost");
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.open(), this.#pause);
    this.#pause = Math.min(2 * this.#pause, LONGEST_PAUSE);
  }

  #close() {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = null;
    this.#hand();
  }
}
