//! The process that drives the browser, and everything it has started.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{is_alive, skip};

/// Where Debian's packages put them.
const CHROMIUM: &str = "/usr/bin/chromium";
const CHROMEDRIVER: &str = "/usr/bin/chromedriver";

/// Whether there is a browser here; says how to get one, if not.
pub fn is_installed() -> bool {
    let installed = Path::new(CHROMIUM).exists() && Path::new(CHROMEDRIVER).exists();
    if !installed {
        skip("chromium or chromedriver is not installed (apt-get install chromium chromium-driver)");
    }
    installed
}

/// A driver on a port of its own. Dropped, it ends with all that it has started.
pub struct Driver {
    child: Child,
    pub port: u16,
}

impl Driver {
    pub fn start() -> Driver {
        let mut command = Command::new(CHROMEDRIVER);
        command.arg("--port=0").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("chromedriver starts");
        let mut lines = BufReader::new(child.stdout.take().expect("it has an output")).lines().map_while(Result::ok);
        let port = lines
            .find_map(|line| line.split_once("started successfully on port ")?.1.trim_end_matches('.').parse().ok());
        // What else it says is read away, so that it never waits for a reader.
        std::thread::spawn(move || lines.for_each(drop));
        let mut driver = Driver { child, port: 0 };
        driver.port = port.expect("chromedriver names its port");
        driver
    }

    /// The processes it has started, and those these have started.
    pub fn descendants(&self) -> Vec<u32> {
        let mut found = vec![self.child.id()];
        let mut next = 0;
        while let Some(&pid) = found.get(next) {
            found.extend(children(pid));
            next += 1;
        }
        found.split_off(1)
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let started = self.descendants();
        // First the one that would notice that the others are gone.
        drop(self.child.kill());
        drop(self.child.wait());
        let pids: Vec<String> = started.iter().map(u32::to_string).collect();
        drop(Command::new("kill").arg("-KILL").args(&pids).stderr(Stdio::null()).status());
        // Its profile can be deleted when nobody writes in it.
        let began = Instant::now();
        while started.iter().any(|&pid| is_alive(pid)) && began.elapsed() < Duration::from_secs(10) {
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// The processes that any thread of this one has started.
fn children(pid: u32) -> Vec<u32> {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let lists = threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok());
    lists
        .flat_map(|list| list.split_ascii_whitespace().map(str::to_owned).collect::<Vec<_>>())
        .filter_map(|pid| pid.parse().ok())
        .collect()
}
