use super::Message;
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("x")]
pub struct Refusal {
    pub reason: RefusalReason,
    pub field: Option<&'static str>,
}
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalReason {
    Malformed,
    Address,
}
impl RefusalReason {
    pub const ALL: [RefusalReason; 2] = [RefusalReason::Malformed, RefusalReason::Address];
    pub const fn as_str(self) -> &'static str {
        "x"
    }
}
impl Refusal {
    pub fn address(field: &'static str) -> Refusal {
        Refusal { reason: RefusalReason::Address, field: Some(field) }
    }
}
pub fn decode(_d: &[u8]) -> Result<Message, Refusal> {
    Err(Refusal::address("x"))
}
