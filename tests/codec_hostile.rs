//! Datagrams made to do harm: whatever they hold, reading them neither panics, nor overflows a small stack, nor allocates.
//!
//! Runs as it is in a debug build too, where frames are largest: `cargo test --profile dev --test codec_hostile`.

mod golden;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::collections::BTreeMap;

use golden::Datagram;
use mersenned::protocol::codec::{Refusal, RefusalReason, decode, encode};
use mersenned::protocol::json::from_json;
use mersenned::protocol::message::{MAX_DATAGRAM, Message};

/// Stack for reading, in bytes: an eighth of what a thread of Rust's has.
const STACK: usize = 256 * 1024;

/// The system's allocator, counting for each thread.
struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

thread_local! {
    /// Bytes asked for since the thread began; what is given back is not taken off.
    static ALLOCATED: Cell<usize> = const { Cell::new(0) };
}

fn count(bytes: usize) {
    // A thread that is ending has no counter any more, and is not being measured.
    let _ = ALLOCATED.try_with(|allocated| allocated.set(allocated.get() + bytes));
}

// SAFETY: every call goes to the system's allocator as it came; counting neither allocates nor panics.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size);
        unsafe { System.realloc(at, layout, size) }
    }
}

/// What `work` returns, and the bytes it allocated.
fn measured<T>(work: impl FnOnce() -> T) -> (T, usize) {
    let before = ALLOCATED.get();
    let result = work();
    (result, ALLOCATED.get() - before)
}

/// Runs `work` on a small stack; an overflow ends the process, and so fails the test.
fn on_a_small_stack(work: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(STACK).spawn(work).expect("a thread");
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

/// SplitMix64 (Steele, Lea & Flood, 2014): the same mutations in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    /// A number below `bound`, which is not 0.
    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn byte(&mut self) -> u8 {
        self.next() as u8
    }

    fn of<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }
}

/// Every marker that a length follows, with the greatest length.
const HUGE: [&[u8]; 12] = [
    &[0xd9, 0xff],
    &[0xda, 0xff, 0xff],
    &[0xdb, 0xff, 0xff, 0xff, 0xff],
    &[0xc4, 0xff],
    &[0xc5, 0xff, 0xff],
    &[0xc6, 0xff, 0xff, 0xff, 0xff],
    &[0xdc, 0xff, 0xff],
    &[0xdd, 0xff, 0xff, 0xff, 0xff],
    &[0xde, 0xff, 0xff],
    &[0xdf, 0xff, 0xff, 0xff, 0xff],
    &[0xc8, 0xff, 0xff, 0x05],
    &[0xc9, 0xff, 0xff, 0xff, 0xff, 0x05],
];

/// What opens one level that holds values: arrays, maps with a key, maps as a key.
const CONTAINERS: [&[u8]; 7] = [
    &[0x91],
    &[0xdc, 0, 1],
    &[0xdd, 0, 0, 0, 1],
    &[0x81, 0xc0],
    &[0x81, 0xa1, b'a'],
    &[0x81],
    &[0xdf, 0, 0, 0, 1, 0x00],
];

/// What opens any level, extensions among it.
const OPENINGS: [&[u8]; 9] = [
    CONTAINERS[0],
    CONTAINERS[1],
    CONTAINERS[2],
    CONTAINERS[3],
    CONTAINERS[4],
    CONTAINERS[5],
    CONTAINERS[6],
    &[0xd4, 0x05],
    &[0xc7, 0xff, 0x05],
];

/// Where the fields of a golden datagram begin, in order.
fn field_starts(datagram: &[u8]) -> Vec<usize> {
    const NAMES: [&str; 8] = ["msg_type", "msg_id", "msg_forwarder", "msg_originator", "ttl", "data", "key", "sig"];
    let start = |name: &str| {
        let name = [&[0xa0 | name.len() as u8], name.as_bytes()].concat();
        datagram.windows(name.len()).position(|window| window == name)
    };
    NAMES.into_iter().filter_map(start).collect()
}

/// Where `more` fields can be put in, having counted up the header of the map, if it still is a small one.
fn between_fields(random: &mut Random, datagram: &mut [u8], more: usize) -> usize {
    if (0x80..0x88).contains(&datagram[0]) {
        datagram[0] += more as u8;
    }
    let mut places = field_starts(datagram);
    places.push(datagram.len());
    *random.of(&places)
}

/// One way of many to spoil a datagram.
fn mutate(random: &mut Random, datagram: &mut Vec<u8>, corpus: &[Vec<u8>]) {
    if datagram.is_empty() {
        return datagram.push(random.byte());
    }
    let at = random.below(datagram.len());
    let some = 1 + random.below(8);
    match random.below(12) {
        // Bits, bytes, markers.
        0 => (0..some).for_each(|_| {
            let at = random.below(datagram.len());
            datagram[at] ^= 1 << random.below(8);
        }),
        1 => datagram[at] = random.byte(),
        2 => {
            datagram[at] =
                *random.of(&[0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc3, 0xcb, 0xd3, 0xff])
        }
        // Truncation, also in the middle.
        3 => datagram.truncate(at),
        4 => drop(datagram.drain(at..(at + some).min(datagram.len()))),
        // Splicing.
        5 => {
            let other = random.of(corpus);
            datagram.truncate(at);
            datagram.extend_from_slice(&other[random.below(other.len())..]);
        }
        6 => drop(datagram.splice(at..at, (0..some).map(|_| random.byte()))),
        7 => datagram.extend_from_slice(random.of(corpus).as_slice()),
        // Length inflation.
        8 => {
            let huge = random.of(&HUGE);
            let end = (at + huge.len()).min(datagram.len());
            drop(datagram.splice(at..end, huge.iter().copied()));
        }
        // Fields of another datagram, or again: in their places or elsewhere, some with a name of no meaning.
        9 | 10 => {
            let other = random.of(corpus);
            let starts = field_starts(other);
            let first = random.below(starts.len());
            let count = 1 + random.below(2);
            let end = starts.get(first + count).copied().unwrap_or(other.len());
            let at = between_fields(random, datagram, count.min(starts.len() - first));
            drop(datagram.splice(at..at, other[starts[first]..end].iter().copied()));
            if random.below(4) == 0 {
                datagram[at + 1] = random.byte();
            }
        }
        // Nesting, half of the time where it is only deep and otherwise right.
        _ => {
            let levels = *random.of(&[1, 2, 6, 7, 8, 9, 30, 250]);
            if random.below(2) == 0 {
                drop(datagram.splice(at..at, random.of(&OPENINGS).repeat(levels)));
            } else {
                let at = between_fields(random, datagram, 1);
                let value = [random.of(&CONTAINERS).repeat(levels), vec![0xc0; levels]].concat();
                drop(datagram.splice(at..at, [&[0xa1, random.byte() & 0x7f], &value[..]].concat()));
            }
        }
    }
}

/// Reads it, and checks what must hold for every datagram.
fn read(datagram: &[u8], written: &mut Vec<u8>) -> Result<Message, Refusal> {
    let (read, allocated) = measured(|| decode(datagram));
    assert_eq!(allocated, 0, "reading {datagram:02x?} allocated");
    if let Ok(message) = &read {
        written.clear();
        encode(message, written);
        assert_eq!(decode(written).as_ref(), Ok(message), "not the same after writing: {datagram:02x?}");
    }
    read
}

#[test]
fn the_allocator_is_watched() {
    let (bytes, allocated) = measured(|| vec![1u8; 1_000]);
    assert_eq!(allocated, bytes.len());
    let (_, allocated) = measured(|| rmp_serde::from_slice::<String>(&[0xa1, b'a']));
    assert_eq!(allocated, 1);
}

#[test]
fn a_million_spoilt_datagrams_neither_panic_nor_overflow_the_stack_nor_allocate() {
    const RUNS: usize = 1_000_000;
    on_a_small_stack(|| {
        let corpus: Vec<Vec<u8>> = golden::datagrams().into_iter().map(|datagram| datagram.bytes).collect();
        let mut random = Random(1);
        let (mut accepted, mut refused) = (0, BTreeMap::new());
        let (mut datagram, mut written) = (Vec::new(), Vec::with_capacity(MAX_DATAGRAM));
        for _ in 0..RUNS {
            datagram.clear();
            datagram.extend_from_slice(random.of(&corpus).as_slice());
            for _ in 0..=random.below(3) {
                mutate(&mut random, &mut datagram, &corpus);
            }
            match read(&datagram, &mut written) {
                Ok(_) => accepted += 1,
                Err(refusal) => *refused.entry(refusal.reason.as_str()).or_insert(0) += 1,
            }
        }
        println!("{accepted} accepted, refused: {refused:?}");
        // A mutation that never reached a rule would prove nothing about it.
        assert!(accepted > RUNS / 100, "only {accepted} accepted");
        for reason in RefusalReason::ALL {
            let count = refused.get(reason.as_str()).copied().unwrap_or(0);
            // So many strange names do not come about by chance.
            let expected = if reason == RefusalReason::TooManyFields { 0 } else { 10 };
            assert!(count >= expected, "only {count} were refused as {}", reason.as_str());
        }
    });
}

#[test]
fn deep_nesting_anywhere_is_an_error() {
    on_a_small_stack(|| {
        let mut written = Vec::new();
        let nested = |opening: &[u8], depth| [opening.repeat(depth), vec![0xc0; depth]].concat();
        for Datagram { name, bytes, .. } in golden::datagrams() {
            for (opening, depth) in OPENINGS.into_iter().flat_map(|opening| [(opening, 9), (opening, 100)]) {
                for at in 0..=bytes.len() {
                    let spoilt = [&bytes[..at], &nested(opening, depth), &bytes[at..]].concat();
                    assert!(read(&spoilt, &mut written).is_err(), "{name}: {depth} × {opening:02x?} at {at}");
                }
            }
            // Where nothing else is wrong: as the value of a name without a meaning, before, between and after the fields.
            for at in field_starts(&bytes).into_iter().chain([bytes.len()]) {
                for opening in CONTAINERS {
                    for depth in [8, 9, 100] {
                        let mut spoilt = [&bytes[..at], &[0xa1, b'x'], &nested(opening, depth), &bytes[at..]].concat();
                        spoilt[0] += 1;
                        let refusal = read(&spoilt, &mut written).expect_err("too deep");
                        assert_eq!(refusal.reason, RefusalReason::TooDeep, "{name}: {depth} × {opening:02x?} at {at}");
                    }
                    let spoilt = [&bytes[..at], &nested(opening, 65_000), &bytes[at..]].concat();
                    assert_eq!(read(&spoilt, &mut written), Err(Refusal::whole(RefusalReason::TooLong)));
                }
            }
        }
    });
}

#[test]
fn spoilt_json_neither_panics_nor_overflows_the_stack_nor_allocates_much() {
    const RUNS: usize = 100_000;
    on_a_small_stack(|| {
        let corpus: Vec<Vec<u8>> = golden::datagrams().into_iter().map(|datagram| datagram.json.into_bytes()).collect();
        let mut random = Random(2);
        let (mut accepted, mut refused) = (0, 0);
        for _ in 0..RUNS {
            let mut text = random.of(&corpus).clone();
            for _ in 0..=random.below(3) {
                let at = random.below(text.len().max(1)).min(text.len());
                match random.below(6) {
                    0 => text.truncate(at),
                    1 => drop(text.splice(at..at, b"[".repeat(*random.of(&[1, 9, 100, 3_000])))),
                    2 => drop(text.splice(at..at, b"{\"a\":".repeat(*random.of(&[1, 9, 100, 600])))),
                    3 => drop(text.splice(at..at, random.of(&corpus).iter().copied())),
                    4 => text.insert(at, *random.of(b"\"\\,:[]{}0-.eu \n\xff")),
                    _ => drop(text.drain(at..(at + 1 + random.below(8)).min(text.len()))),
                }
            }
            let (read, allocated) = measured(|| from_json(&text));
            assert!(allocated <= 4_096 + 4 * text.len(), "{allocated} bytes for {}", text.escape_ascii());
            match read {
                Ok(_) => accepted += 1,
                Err(_) => refused += 1,
            }
        }
        println!("{accepted} accepted, {refused} refused");
        assert!(accepted > RUNS / 1_000, "only {accepted} accepted");
        for opening in ["[", "{\"a\":"] {
            let deep = opening.repeat(65_000);
            assert_eq!(from_json(deep.as_bytes()), Err(Refusal::whole(RefusalReason::TooLong)));
        }
    });
}
