//! The description of the machine: processor, cores, date; and pinning a thread to one core.

use std::fs;
use std::io;
use std::thread;

/// For example `AMD EPYC, 2 cores, linux x86_64, 2026-11-23`.
pub fn description() -> String {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let (system, architecture) = (std::env::consts::OS, std::env::consts::ARCH);
    let now = jiff::Timestamp::now().to_string();
    let today = now.split('T').next().unwrap_or_default();
    format!(
        "{}, {cores} cores, {system} {architecture}, {today}",
        processor()
    )
}

/// A warning if other processes use the cores.
pub fn warning() -> Option<String> {
    let load: f64 = fs::read_to_string("/proc/loadavg")
        .ok()?
        .split(' ')
        .next()?
        .parse()
        .ok()?;
    // An idle machine with an open editor has a load of up to 0.5.
    let message = format!(
        "this machine is busy (load {load}): the numbers for two threads and for files are not reliable"
    );
    (load > 0.5).then_some(message)
}

fn processor() -> String {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let value = |key: &str| {
        let line = cpuinfo.lines().find(|line| {
            line.split(':')
                .next()
                .is_some_and(|name| name.trim() == key)
        })?;
        line.split_once(':')
            .map(|(_, value)| value.trim().to_owned())
    };
    let Some(model) = value("model name") else {
        return "unknown processor".to_owned();
    };
    // Virtual machines often have only the numbers of family and model.
    match (value("cpu family"), value("model")) {
        (Some(family), Some(number)) => format!("{model} (family {family}, model {number})"),
        _ => model,
    }
}

/// Pins this thread and its child processes to the last core that it may use; the first handles most interrupts.
#[cfg(target_os = "linux")]
pub fn pin_to_one_core() -> io::Result<()> {
    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
    let allowed = sched_getaffinity(None)?;
    let last = (0..CpuSet::MAX_CPU)
        .rev()
        .find(|&core| allowed.is_set(core))
        .unwrap_or(0);
    let mut one = CpuSet::new();
    one.set(last);
    Ok(sched_setaffinity(None, &one)?)
}

/// Other systems do not support pinning.
#[cfg(not(target_os = "linux"))]
pub fn pin_to_one_core() -> io::Result<()> {
    Ok(())
}

/// The version of a crate that this program was built with.
pub fn locked_version(name: &str) -> &'static str {
    let lock = include_str!("../../Cargo.lock");
    let entry = format!("name = \"{name}\"\nversion = \"");
    lock.split_once(&entry)
        .and_then(|(_, rest)| rest.split_once('"'))
        .map_or("", |(version, _)| version)
}
