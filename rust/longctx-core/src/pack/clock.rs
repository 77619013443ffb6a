//! How long each stage of packing takes, and how much it gets through.

use std::time::{Duration, Instant};

use serde::Serialize;

/// What a stage is measured by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// That are listed, or have a text.
    Files,
    /// Read or written.
    Bytes,
    /// Walked.
    Commits,
    /// Of sequences.
    Tokens,
}

/// One stage.
#[derive(Debug, Clone, Serialize)]
pub struct Stage {
    name: &'static str,
    seconds: f64,
    /// Processor time of all threads; not known on every system.
    cpu_seconds: Option<f64>,
    /// What it got through; 0 where that cannot be told.
    amount: u64,
    unit: Unit,
}

/// Times the stages of one run.
pub struct Clock {
    begun: Instant,
    last: Instant,
    last_cpu: Option<Duration>,
    stages: Vec<Stage>,
}

impl Clock {
    /// Begins.
    pub fn new() -> Self {
        let now = Instant::now();
        Self { begun: now, last: now, last_cpu: processor_time(), stages: Vec::new() }
    }

    /// Ends a stage, and begins the next one.
    pub fn lap(&mut self, name: &'static str, amount: u64, unit: Unit) {
        let (now, cpu) = (Instant::now(), processor_time());
        let spent = |(now, before): (Duration, Duration)| now.saturating_sub(before).as_secs_f64();
        self.stages.push(Stage {
            name,
            seconds: (now - self.last).as_secs_f64(),
            cpu_seconds: cpu.zip(self.last_cpu).map(spent),
            amount,
            unit,
        });
        (self.last, self.last_cpu) = (now, cpu);
    }

    /// Seconds since the beginning, and the stages.
    pub fn finish(self) -> (f64, Vec<Stage>) {
        (self.begun.elapsed().as_secs_f64(), self.stages)
    }
}

#[cfg(unix)]
fn processor_time() -> Option<Duration> {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Some(Duration::new(u64::try_from(time.tv_sec).ok()?, u32::try_from(time.tv_nsec).ok()?))
}

#[cfg(not(unix))]
fn processor_time() -> Option<Duration> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_add_up_to_the_whole() {
        let mut clock = Clock::new();
        for name in ["one", "two"] {
            std::thread::sleep(Duration::from_millis(2));
            clock.lap(name, 7, Unit::Files);
        }
        let (seconds, stages) = clock.finish();
        let sum: f64 = stages.iter().map(|stage| stage.seconds).sum();
        assert!(stages.iter().all(|stage| stage.seconds >= 0.002));
        assert!(sum <= seconds, "{sum} of {seconds}");
        assert_eq!(stages.iter().map(|stage| stage.name).collect::<Vec<_>>(), ["one", "two"]);
    }
}
