//! What people see and do in a real browser: the live page of a lab and of a node, in headless Chromium.
//!
//! Browser and driver are Debian's packages `chromium` and `chromium-driver`; without them each test says so and skips. Every
//! test ends by looking at what the browser has to say: no error on its console, no request to anybody but the page's server.

mod breaks;
mod browser;
mod driver;
mod faults;
mod harness;
mod hostile;
mod input;
mod lab;
mod log;
mod mesh;
mod node;
mod people;
mod place;
mod replay;
mod stage;
#[path = "../support/mod.rs"]
mod support;
