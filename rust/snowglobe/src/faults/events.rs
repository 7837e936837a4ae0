//! S3's events on their way to the pipes: a thread that delivers each one, late, twice or in reverse if a fault says so.

use super::{Call, FaultKind, Faults, Service};
use crate::s3::ObjectCreated;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// While events are held back, this often it is looked whether they may go.
const LOOK: Duration = Duration::from_millis(10);

/// The thread. Dropped, it ends; events not delivered by then come again after the next start.
#[derive(Debug)]
pub struct Courier {
    sender: Sender<Mail>,
    thread: Option<JoinHandle<()>>,
}

/// What the thread is sent. Its end needs a word of its own: the store keeps a sender as long as it lives.
enum Mail {
    Created(ObjectCreated),
    Stop,
}

/// When an event that is held back may go.
enum Until {
    Time(Instant),
    /// When the fault is disarmed.
    Disarmed(u64),
    /// When so many are together, or the fault is gone; then the last goes first.
    Together {
        fault: u64,
        window: usize,
    },
}

impl Courier {
    /// Starts the thread, which calls `deliver` for each event.
    ///
    /// # Errors
    /// If the system has no thread left.
    pub fn start(
        faults: Arc<Faults>,
        deliver: impl Fn(&ObjectCreated) + Send + 'static,
    ) -> std::io::Result<Self> {
        let (sender, receiver) = mpsc::channel();
        let thread = std::thread::Builder::new()
            .name("s3-events".into())
            .spawn(move || {
                let mut held: Vec<(Until, ObjectCreated)> = Vec::new();
                loop {
                    let wait = if held.is_empty() {
                        Duration::from_secs(3600)
                    } else {
                        LOOK
                    };
                    match receiver.recv_timeout(wait) {
                        Ok(Mail::Created(event)) => accept(&faults, event, &mut held, &deliver),
                        Err(RecvTimeoutError::Timeout) => {}
                        Ok(Mail::Stop) | Err(RecvTimeoutError::Disconnected) => return,
                    }
                    release(&faults, &mut held, &deliver);
                }
            })?;
        Ok(Self {
            sender,
            thread: Some(thread),
        })
    }

    /// Hands an event over.
    pub fn sender(&self) -> impl Fn(ObjectCreated) + Send + Sync + 'static {
        let sender = self.sender.clone();
        move |event| {
            if sender.send(Mail::Created(event)).is_err() {
                log::debug!(
                    "an S3 event came while the server stops; it comes again at the next start"
                );
            }
        }
    }
}

fn accept(
    faults: &Faults,
    event: ObjectCreated,
    held: &mut Vec<(Until, ObjectCreated)>,
    deliver: &impl Fn(&ObjectCreated),
) {
    let path = format!("/{}/{}", event.bucket, event.key);
    let struck = faults.strike(Call {
        service: Service::Events,
        method: "",
        path: &path,
        body: &[],
    });
    let mut copies = 1;
    let mut until = None;
    for (fault, kind) in struck {
        match kind {
            FaultKind::NotifyTwice => copies = 2,
            FaultKind::NotifyLate {
                millis: Some(millis),
            } => {
                until = Some(Until::Time(Instant::now() + Duration::from_millis(millis)));
            }
            FaultKind::NotifyLate { millis: None } => until = Some(Until::Disarmed(fault)),
            FaultKind::NotifyReversed { window } => until = Some(Until::Together { fault, window }),
            _ => {}
        }
    }
    if copies == 2 {
        deliver(&event);
    }
    match until {
        Some(until) => held.push((until, event)),
        None => deliver(&event),
    }
}

/// Delivers what is held back no longer.
fn release(
    faults: &Faults,
    held: &mut Vec<(Until, ObjectCreated)>,
    deliver: &impl Fn(&ObjectCreated),
) {
    let gone = |id: u64| !faults.list().iter().any(|armed| armed.id == id);
    let together = |fault: u64| {
        held.iter()
            .filter(|(until, _)| matches!(until, Until::Together { fault: of, .. } if *of == fault))
            .count()
    };
    let free: Vec<bool> = held
        .iter()
        .map(|(until, _)| match until {
            Until::Time(time) => Instant::now() >= *time,
            Until::Disarmed(fault) => gone(*fault),
            Until::Together { fault, window } => together(*fault) >= *window || gone(*fault),
        })
        .collect();
    let mut reversed = Vec::new();
    let mut kept = Vec::new();
    for ((until, event), free) in held.drain(..).zip(free) {
        match (free, &until) {
            (false, _) => kept.push((until, event)),
            (true, Until::Together { .. }) => reversed.push(event),
            (true, _) => deliver(&event),
        }
    }
    reversed.iter().rev().for_each(deliver);
    *held = kept;
}

impl Drop for Courier {
    fn drop(&mut self) {
        // That the thread is gone already is told by joining it.
        drop(self.sender.send(Mail::Stop));
        if self
            .thread
            .take()
            .is_some_and(|thread| thread.join().is_err())
        {
            log::error!("the thread of S3's events panicked");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::Fault;

    fn event(key: &str) -> ObjectCreated {
        ObjectCreated {
            bucket: "b".into(),
            key: key.into(),
            size: 0,
            etag: String::new(),
            blob: String::new(),
        }
    }

    /// Sends the events through a courier with the faults armed; gives the receiving end of what it delivers.
    fn deliveries(faults: &Arc<Faults>, keys: &[&str]) -> (Courier, mpsc::Receiver<String>) {
        let (sender, receiver) = mpsc::channel();
        let courier = Courier::start(Arc::clone(faults), move |event| {
            sender.send(event.key.clone()).unwrap()
        })
        .unwrap();
        let send = courier.sender();
        keys.iter().for_each(|key| send(event(key)));
        (courier, receiver)
    }

    fn take(receiver: &mpsc::Receiver<String>, count: usize) -> Vec<String> {
        (0..count)
            .map(|_| receiver.recv_timeout(Duration::from_secs(5)).unwrap())
            .collect()
    }

    #[test]
    fn events_arrive_once_and_in_order_without_faults() {
        let (_courier, receiver) = deliveries(&Arc::default(), &["1", "2"]);
        assert_eq!(take(&receiver, 2), ["1", "2"]);
        assert!(receiver.try_recv().is_err());
    }

    #[test]
    fn an_event_can_arrive_twice() {
        let faults = Arc::new(Faults::default());
        faults.arm(Fault::once(FaultKind::NotifyTwice));
        let (_courier, receiver) = deliveries(&faults, &["1", "2"]);
        assert_eq!(take(&receiver, 3), ["1", "1", "2"]);
    }

    #[test]
    fn events_can_arrive_in_reverse() {
        let faults = Arc::new(Faults::default());
        faults.arm(Fault::always(FaultKind::NotifyReversed { window: 3 }));
        let (_courier, receiver) = deliveries(&faults, &["1", "2", "3"]);
        assert_eq!(take(&receiver, 3), ["3", "2", "1"]);
    }

    #[test]
    fn an_event_is_held_until_its_fault_is_disarmed() {
        let faults = Arc::new(Faults::default());
        let late = faults.arm(Fault::once(FaultKind::NotifyLate { millis: None }));
        let (_courier, receiver) = deliveries(&faults, &["1", "2"]);
        assert_eq!(take(&receiver, 1), ["2"]);
        faults.disarm(late);
        assert_eq!(take(&receiver, 1), ["1"]);
    }
}
