//! A server of the test's own between browser and lab: it serves their page, and plays a feed as the test wants it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Somebody who follows the feed.
pub struct Viewer {
    stream: TcpStream,
    /// What he has already, by his own account.
    pub since: Option<u64>,
    /// Which path with which query he asked for.
    pub path: String,
    ends: Arc<AtomicBool>,
}

impl Viewer {
    /// Sends some text of a stream of events. Whether he still listens.
    pub fn send(&mut self, text: &str) -> bool {
        !self.ends.load(Ordering::Relaxed) && self.stream.write_all(text.as_bytes()).is_ok()
    }

    /// Waits until he is gone, or the stage ends.
    pub fn stay(&mut self) {
        drop(self.stream.set_read_timeout(Some(Duration::from_millis(50))));
        let mut byte = [0];
        while !self.ends.load(Ordering::Relaxed) {
            match self.stream.read(&mut byte) {
                Ok(0) => return,
                Ok(_) => {}
                Err(error) if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {
                }
                Err(_) => return,
            }
        }
    }
}

/// The server. Ends when dropped.
pub struct Stage {
    pub port: u16,
    ends: Arc<AtomicBool>,
    /// Streams that are open now.
    open: Arc<AtomicUsize>,
    /// What the followers said that they had, in order of coming.
    asked: Arc<Mutex<Vec<Option<u64>>>>,
}

impl Stage {
    /// Serves the page of the lab or node at `origin`, and `play`s the feed for each who follows it.
    pub fn start(origin: u16, play: impl Fn(&mut Viewer) + Send + Sync + 'static) -> Stage {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let stage = Stage {
            port: listener.local_addr().unwrap().port(),
            ends: Arc::default(),
            open: Arc::default(),
            asked: Arc::default(),
        };
        let (ends, open, asked, play) = (stage.ends.clone(), stage.open.clone(), stage.asked.clone(), Arc::new(play));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok).take_while(|_| !ends.load(Ordering::Relaxed)) {
                let (ends, open, asked, play) = (ends.clone(), open.clone(), asked.clone(), play.clone());
                std::thread::spawn(move || {
                    let Some((head, path)) = head_of(&stream) else { return };
                    if !path.starts_with("/feed") {
                        return relay(stream, origin, &path).unwrap_or_default();
                    }
                    let mut viewer = Viewer { stream, since: since(&head, &path), path, ends };
                    asked.lock().unwrap().push(viewer.since);
                    open.fetch_add(1, Ordering::SeqCst);
                    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\nConnection: close\r\n\r\n";
                    if viewer.send(head) {
                        play(&mut viewer);
                    }
                    open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        stage
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }

    /// How many follow the feed now.
    pub fn open(&self) -> usize {
        self.open.load(Ordering::SeqCst)
    }

    /// What each who came to the feed said that he had.
    pub fn asked(&self) -> Vec<Option<u64>> {
        self.asked.lock().unwrap().clone()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        // Wakes the one who accepts.
        drop(TcpStream::connect(("127.0.0.1", self.port)));
    }
}

/// The head of a request, and the path it asks for.
fn head_of(stream: &TcpStream) -> Option<(String, String)> {
    stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let path = head.split(' ').nth(1)?.to_owned();
    Some((head, path))
}

fn since(head: &str, path: &str) -> Option<u64> {
    let header =
        head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("last-event-id: ")?.trim().parse().ok());
    header.or_else(|| path.split_once("since=")?.1.parse().ok())
}

/// Answers as the lab does, byte by byte.
fn relay(mut stream: TcpStream, origin: u16, path: &str) -> std::io::Result<()> {
    let mut lab = TcpStream::connect(("127.0.0.1", origin))?;
    lab.write_all(format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{origin}\r\nConnection: close\r\n\r\n").as_bytes())?;
    std::io::copy(&mut lab, &mut stream).map(drop)
}

/// Follows the feed at `origin` in his place, and passes on what comes until one of the two, or `until`, ends it.
pub fn pass_on(viewer: &mut Viewer, origin: u16, until: &AtomicBool) {
    let Ok(mut lab) = TcpStream::connect(("127.0.0.1", origin)) else { return };
    // Without chunks: this is how an answer to HTTP/1.0 ends.
    let request = format!("GET {} HTTP/1.0\r\nHost: 127.0.0.1:{origin}\r\n\r\n", viewer.path);
    if lab.write_all(request.as_bytes()).is_err() {
        return;
    }
    drop(lab.set_read_timeout(Some(Duration::from_millis(20))));
    let mut reader = BufReader::new(lab);
    let mut line = Vec::new();
    let mut is_body = false;
    while !until.load(Ordering::Relaxed) {
        match reader.read_until(b'\n', &mut line) {
            Ok(0) => return,
            Ok(_) => {}
            Err(error) if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {
                continue;
            }
            Err(_) => return,
        }
        let text = String::from_utf8_lossy(&line).into_owned();
        if is_body && !viewer.send(&text) {
            return;
        }
        is_body |= text == "\r\n";
        line.clear();
    }
}
