//! One step of a run: a line before it, its output as it arrives, and a line with its duration
//! after it.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::command::Failure;

/// Runs `work` as the stage `name`.
pub fn stage<T>(name: &str, work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    eprintln!("{name} ...");
    let started = Instant::now();
    let outcome = work();
    let taken = spoken(started.elapsed());
    match &outcome {
        Ok(_) => eprintln!("{name}: ok in {taken}"),
        Err(_) => eprintln!("{name}: failed after {taken}"),
    }
    outcome
}

/// A duration in minutes and seconds.
pub fn spoken(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds / 60 {
        0 => format!("{:.1} s", time.as_secs_f32()),
        minutes => format!("{minutes} min {:02} s", seconds % 60),
    }
}

/// Runs a command to completion; anything but success is a failure.
pub fn succeed(command: &mut Command) -> Result<(), Failure> {
    let program = command.get_program().to_string_lossy().into_owned();
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{program} ended with {status}")),
        Err(error) => Err(format!("{program} cannot be run: {error}")),
    }
}

/// Runs a command to completion and returns its standard output.
pub fn output(command: &mut Command) -> Result<String, Failure> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| format!("{program} cannot be run: {error}"))?;
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{program} ended with {}: {}", output.status, errors.trim()));
    }
    String::from_utf8(output.stdout).map_err(|_| format!("{program} did not write text"))
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::time::Duration;

    use super::{output, spoken, stage, succeed};

    #[test]
    fn a_failing_command_fails_the_stage() {
        let outcome = stage("sample", || succeed(Command::new("sh").args(["-c", "exit 3"])));
        assert!(outcome.unwrap_err().contains('3'));
        assert!(succeed(&mut Command::new("/no/such/program")).is_err());
        assert_eq!(stage("sample", || succeed(&mut Command::new("true"))), Ok(()));
    }

    #[test]
    fn times_are_shown_in_minutes_and_seconds() {
        assert_eq!(spoken(Duration::from_millis(1_240)), "1.2 s");
        assert_eq!(spoken(Duration::from_secs(59)), "59.0 s");
        assert_eq!(spoken(Duration::from_secs(60)), "1 min 00 s");
        assert_eq!(spoken(Duration::from_millis(754_900)), "12 min 34 s");
    }

    #[test]
    fn output_is_returned_and_errors_are_reported() {
        assert_eq!(output(Command::new("sh").args(["-c", "echo word"])).unwrap(), "word\n");
        let failure = output(Command::new("sh").args(["-c", "echo why >&2; exit 1"])).unwrap_err();
        assert!(failure.contains("why"), "{failure}");
    }
}
