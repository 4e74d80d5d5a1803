//! What a process and all that it started cost: memory and time on the processor.

use std::{collections::HashMap, fs};

/// The process and its descendants.
pub(crate) fn tree(root: u32) -> Vec<u32> {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    let all = fs::read_dir("/proc").into_iter().flatten().flatten();
    for pid in all.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok()) {
        if let Some(parent) = stat(pid).and_then(|fields| fields.get(1)?.parse().ok()) {
            children.entry(parent).or_default().push(pid);
        }
    }
    let mut found = vec![root];
    let mut next = 0;
    while let Some(pid) = found.get(next) {
        found.extend(children.remove(pid).unwrap_or_default());
        next += 1;
    }
    found
}

/// Proportional memory in MB.
pub(crate) fn memory(root: u32) -> f64 {
    let kilobytes = |pid: u32| -> Option<f64> {
        let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
        let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"))?;
        line.trim().trim_end_matches(" kB").trim().parse().ok()
    };
    tree(root).into_iter().filter_map(kilobytes).sum::<f64>() / 1024.0
}

/// Time on the processor so far, in microseconds, of all threads that live. What the system counts in ticks
/// is too coarse here.
pub(crate) fn cpu(root: u32) -> f64 {
    let threads = tree(root).into_iter().flat_map(|pid| {
        let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
        tasks.map(|task| task.path().join("schedstat"))
    });
    let nanoseconds = |path| {
        let text = fs::read_to_string(path).ok()?;
        text.split_whitespace().next()?.parse::<f64>().ok()
    };
    threads.filter_map(nanoseconds).sum::<f64>() / 1000.0
}

/// The fields of `/proc/PID/stat` after the program's name, which may hold anything.
fn stat(pid: u32) -> Option<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = text.rsplit_once(')')?;
    Some(rest.split_whitespace().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn children_are_counted() {
        let mut child = std::process::Command::new("sh").args(["-c", "sleep 60; :"]).spawn().unwrap();
        let own = std::process::id();
        let mut found = tree(own);
        while found.len() < 3 {
            std::thread::yield_now();
            found = tree(own);
        }
        let grandchildren = tree(child.id());
        child.kill().unwrap();
        child.wait().unwrap();
        for pid in grandchildren.iter().filter(|pid| **pid != child.id()) {
            let pid = rustix::process::Pid::from_raw(i32::try_from(*pid).unwrap()).unwrap();
            rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
        }
        assert!(found.contains(&child.id()));
        assert!(memory(own) > 0.1 && cpu(own) > 0.0);
    }
}
