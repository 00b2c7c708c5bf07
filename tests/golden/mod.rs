//! The datagrams of `tests/golden/protocol.txt`.

/// One datagram, and what it means.
pub struct Datagram {
    pub name: String,
    pub bytes: Vec<u8>,
    /// As JSON text.
    pub json: String,
}

/// The whole file.
pub const TEXT: &str = include_str!("protocol.txt");

/// All datagrams in the file; panics when it is not as its first lines say.
pub fn datagrams() -> Vec<Datagram> {
    let mut datagrams: Vec<Datagram> = Vec::new();
    let mut in_hex = false;
    for line in TEXT.lines() {
        if let Some(name) = line.strip_prefix("datagram: ") {
            datagrams.push(Datagram { name: name.to_owned(), bytes: Vec::new(), json: String::new() });
        } else if line == "hex:" || line == "json:" {
            in_hex = line == "hex:";
        } else if let Some(content) = line.strip_prefix("  ") {
            let datagram = datagrams.last_mut().expect("a datagram has begun");
            if in_hex {
                datagram.bytes.extend(content.split(' ').map(|byte| u8::from_str_radix(byte, 16).expect("two digits")));
            } else {
                datagram.json += content;
            }
        }
    }
    assert!(datagrams.len() >= 8, "only {} datagrams", datagrams.len());
    datagrams
}
