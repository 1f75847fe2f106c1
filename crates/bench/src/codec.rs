//! Decoding and encoding of one message on one core, beside pyiso8583.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use iso8583::{Layout, Packager, WipedBytes, decode, encode};

use crate::process::thread_cpu_seconds;
use crate::report::{Bound, Measurement};

/// The purchase V01 of network-iso8583.md section 10.2.
const V01: &[u8] =
    b"0100723C648108E180001640009900123456780000000000000015501129120001000001200001\
    1129301259997020125906412345633312000001TERM0001MERCHANT0000001\
    TEST SHOP                SINGAPORE    SG0079203792840";
/// Messages between two looks at the clock, and how long they are coded, seconds of CPU.
const BATCH: u32 = 10_000;
const SECONDS: f64 = 3.0;
/// What pyiso8583 does with the same message.
const SCRIPT: &str = include_str!("codec.py");

/// Measures on this thread; `python` has pyiso8583.
pub fn measure(python: Option<&Path>) -> Result<Vec<Measurement>> {
    let own = own()?;
    let info = Measurement::info;
    let mut measurements = vec![
        info("codec", "V01 decoded and encoded, one core (goal 500,000)", own, "/s")
            .held_to(Bound::AtLeast(500_000.0)),
    ];
    let Some(python) = python else {
        eprintln!("codec: no Python with pyiso8583 given, so it is not measured");
        return Ok(measurements);
    };
    let other = pyiso8583(python)?;
    measurements.extend([
        info("codec_pyiso8583", "the same by pyiso8583 4.0.1", other, "/s"),
        info("codec_ratio", "ours / pyiso8583", own / other, ""),
    ]);
    Ok(measurements)
}

/// Messages a second of CPU.
fn own() -> Result<f64> {
    let layout = Layout::of(Packager::Iso87Ascii);
    let round_trip = || -> Result<WipedBytes> {
        let decoded = decode(&layout, std::hint::black_box(V01))?;
        let mut out = WipedBytes::with_capacity(V01.len());
        encode(&layout, &decoded.message, &mut out)?;
        Ok(out)
    };
    ensure!(*round_trip()? == *V01, "V01 is not encoded as it came");
    let (started, mut count) = (thread_cpu_seconds()?, 0.0);
    loop {
        for _ in 0..BATCH {
            std::hint::black_box(round_trip()?);
        }
        count += f64::from(BATCH);
        let elapsed = thread_cpu_seconds()? - started;
        if elapsed >= SECONDS {
            return Ok(count / elapsed);
        }
    }
}

fn pyiso8583(python: &Path) -> Result<f64> {
    let mut hex = String::new();
    for byte in V01 {
        write!(hex, "{byte:02x}")?;
    }
    let output = Command::new(python).args(["-c", SCRIPT, &hex]).output();
    let output = output.with_context(|| format!("{} cannot be run", python.display()))?;
    let fault = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "pyiso8583: {fault}");
    String::from_utf8(output.stdout)?.trim().parse().context("messages a second")
}
