use super::Message;
pub fn encode(_m: &Message, _b: &mut Vec<u8>) {}
