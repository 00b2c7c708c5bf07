//! One thread of a process under test, held still.

use std::process::{Child, Command, Stdio};

/// Stops one thread of a process, and that alone, until its standard input ends. ptrace(2) is the only way: a signal stops
/// the whole process.
const STOP_A_THREAD: &str = r"
import ctypes, os, sys
SEIZE, INTERRUPT, DETACH = 0x4206, 0x4207, 17
libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
thread = int(sys.argv[1])
def ptrace(request):
    if libc.ptrace(request, thread, None, None) == -1:
        sys.exit(f'ptrace: {os.strerror(ctypes.get_errno())}')
ptrace(SEIZE)
ptrace(INTERRUPT)
os.waitpid(thread, 0x40000000)
print('stopped', flush=True)
sys.stdin.read()
ptrace(DETACH)
";

/// A thread that stands still while this lives.
pub struct Stopped {
    by: Child,
}

impl Stopped {
    /// Stops the thread of this name, or says why it cannot.
    pub fn thread(pid: u32, name: &str) -> Result<Stopped, String> {
        let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).map_err(|error| error.to_string())?;
        let thread = tasks
            .filter_map(|task| Some(task.ok()?.path()))
            .find(|task| std::fs::read_to_string(task.join("comm")).is_ok_and(|comm| comm.trim() == name))
            .expect("the thread exists");
        let mut command = Command::new("python3");
        command.args(["-c", STOP_A_THREAD]).arg(thread.file_name().unwrap());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut by = command.spawn().map_err(|error| format!("python3 cannot be run here: {error}"))?;
        let mut said = String::new();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(by.stdout.take().unwrap()), &mut said).unwrap();
        if said == "stopped\n" {
            return Ok(Stopped { by });
        }
        let output = by.wait_with_output().unwrap();
        Err(format!("no thread can be stopped here: {}", String::from_utf8_lossy(&output.stderr).trim()))
    }

    /// Lets it go on.
    pub fn resume(mut self) {
        drop(self.by.stdin.take());
        assert!(self.by.wait().unwrap().success());
    }
}
