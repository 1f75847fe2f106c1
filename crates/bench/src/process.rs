//! Other processes: started, measured from outside, and ended by their id.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// Ticks of `/proc` in a second, the same on all architectures that we run on.
const TICKS_PER_SECOND: f64 = 100.0;
/// Longest time that a process may take to exit when asked to.
const END_DEADLINE: Duration = Duration::from_secs(20);
/// The interval between two checks whether it has exited.
const END_POLL: Duration = Duration::from_millis(10);

/// A child process. It is killed when this is dropped.
pub struct Process {
    child: Child,
}

impl Process {
    /// Starts a program and returns it with its standard output.
    pub fn start(command: &mut Command) -> Result<(Self, BufReader<ChildStdout>)> {
        let program = command.get_program().to_string_lossy().into_owned();
        let mut child = command
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("{program} cannot be run"))?;
        let stdout = child.stdout.take().context("a pipe was asked for")?;
        Ok((Self { child }, BufReader::new(stdout)))
    }

    /// Its id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Its standard input, if that is a pipe; can be taken once.
    pub fn stdin(&mut self) -> Result<std::process::ChildStdin> {
        self.child.stdin.take().context("standard input is no pipe")
    }

    /// CPU that all its threads have used, in seconds.
    pub fn cpu_seconds(&self) -> Result<f64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        cpu_ticks(&stat).map(|ticks| ticks / TICKS_PER_SECOND).context("/proc/PID/stat")
    }

    /// Its resident memory, in bytes.
    pub fn resident_bytes(&self) -> Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        status_kib(&status, "VmRSS:").map(|kib| kib * 1024.0).context("/proc/PID/status")
    }

    /// Asks it to exit and waits until it has, successfully.
    pub fn terminate(mut self) -> Result<()> {
        let id = self.child.id().to_string();
        Command::new("kill").args(["-TERM", &id]).status().context("kill cannot be run")?;
        let deadline = Instant::now() + END_DEADLINE;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait()? {
                if status.success() {
                    return Ok(());
                }
                bail!("a process ended with {status}");
            }
            std::thread::sleep(END_POLL);
        }
        bail!("a process did not end when it was asked to");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have exited already; then there is nothing to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The first line that a process prints.
pub fn first_line(stdout: &mut BufReader<ChildStdout>) -> Result<String> {
    let mut line = String::new();
    stdout.read_line(&mut line)?;
    if line.is_empty() {
        bail!("a process ended before it was ready");
    }
    Ok(line)
}

/// Resident memory of this process, in bytes.
pub fn own_resident_bytes() -> Result<f64> {
    own_kib("VmRSS:")
}

/// Peak resident memory of this process since [`forget_peak`], in bytes.
pub fn peak_resident_bytes() -> Result<f64> {
    own_kib("VmHWM:")
}

/// Resets the peak.
pub fn forget_peak() -> Result<()> {
    fs::write("/proc/self/clear_refs", "5").context("/proc/self/clear_refs")
}

fn own_kib(name: &str) -> Result<f64> {
    let status = fs::read_to_string("/proc/self/status")?;
    status_kib(&status, name).map(|kib| kib * 1024.0).context("/proc/self/status")
}

/// CPU that this thread has used, in seconds.
pub fn thread_cpu_seconds() -> Result<f64> {
    let text = fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanoseconds: f64 =
        text.split_whitespace().next().context("/proc/thread-self/schedstat")?.parse()?;
    Ok(nanoseconds / 1e9)
}

/// CPU used by all threads of this process that are still running, in seconds.
pub fn own_cpu_seconds() -> Result<f64> {
    let mut seconds = 0.0;
    for thread in fs::read_dir("/proc/self/task")? {
        // A thread that has ended meanwhile is skipped.
        let text = fs::read_to_string(thread?.path().join("schedstat")).unwrap_or_default();
        seconds +=
            text.split_whitespace().next().and_then(|first| first.parse().ok()).unwrap_or(0.0)
                / 1e9;
    }
    Ok(seconds)
}

/// `utime` and `stime`. The name before them may contain spaces and brackets.
fn cpu_ticks(stat: &str) -> Option<f64> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11);
    let ticks = [fields.next()?.parse::<f64>().ok()?, fields.next()?.parse::<f64>().ok()?];
    Some(ticks[0] + ticks[1])
}

fn status_kib(status: &str, name: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// The machine, for readers of the numbers.
pub fn machine() -> serde_json::Value {
    let cpu = fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("model name"))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    });
    let memory = fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
        let kib: u64 = text.lines().next()?.split_whitespace().nth(1)?.parse().ok()?;
        Some(kib / 1024)
    });
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    serde_json::json!({ "cpu": cpu, "cores": cores, "memory_mib": memory })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_is_read_behind_any_name() {
        let stat = "7 (a b) c) S 1 7 7 0 -1 4194560 100 0 0 0 120 30 0 0 20 0 9 0 1 2 3";
        assert_eq!(cpu_ticks(stat), Some(150.0));
        assert_eq!(status_kib("VmPeak:\t 9 kB\nVmRSS:\t  5120 kB\n", "VmRSS:"), Some(5120.0));
    }

    #[test]
    fn this_thread_uses_cpu() {
        assert!(thread_cpu_seconds().unwrap() >= 0.0);
    }
}
