//! FaultKind: what goes wrong between a client and Snowflake, armed by a test or a user, and used up call by call.
//!
//! This module only decides which fault strikes which call. [`http`] inflicts those of connections and answers, [`events`]
//! those of S3's events. The clock and the warehouses are moved directly, through the engine.

pub mod events;
pub mod http;

use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fault", rename_all = "snake_case")]
pub enum FaultKind {
    /// The call is answered with this status, before anything runs.
    Refuse {
        /// 429, 500, 503, ...
        status: u16,
        /// `Retry-After`.
        #[serde(default)]
        retry_after_seconds: Option<u64>,
    },
    /// The call runs to its end, and its answer never arrives: the connection closes.
    LoseAnswer,
    /// The connection closes before the call runs.
    LoseCall,
    /// The answer is held back.
    Slow {
        /// For so long.
        millis: u64,
    },
    /// The connection closes in the middle of the answer's body.
    CutAnswer {
        /// After so many bytes; half of them if not said.
        #[serde(default)]
        after_bytes: Option<u64>,
    },
    /// The connection closes in the middle of the call's body, which never runs.
    CutCall {
        /// After so many bytes; the first piece that arrives if not said.
        #[serde(default)]
        after_bytes: Option<u64>,
    },
    /// S3's event is late.
    NotifyLate {
        /// By so much; until the fault is disarmed if not said.
        #[serde(default)]
        millis: Option<u64>,
    },
    /// S3's event arrives twice.
    NotifyTwice,
    /// S3's events arrive in reverse: so many are collected, then the last comes first.
    NotifyReversed {
        /// How many.
        window: usize,
    },
}

/// Where a call arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Service {
    /// SQL API, Snowpipe REST and the drivers' protocol.
    Snowflake,
    /// S3's HTTP.
    S3,
    /// S3's events, on their way to the pipes; their path is `/bucket/key`.
    Events,
}

/// Which calls a fault strikes: all that are like this. What is not said matches everything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Calls {
    /// The service; events for a fault of events, either of the others for any other.
    pub service: Option<Service>,
    /// `GET`, `PUT`, ...
    pub method: Option<String>,
    /// A part of the path with its query.
    pub path_contains: Option<String>,
    /// A part of the body, in any case of letters: `commit`, `call merge_customer`, ...
    pub body_contains: Option<String>,
}

/// A fault to arm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// What goes wrong.
    #[serde(flatten)]
    pub what: FaultKind,
    /// For which calls.
    #[serde(default)]
    pub on: Calls,
    /// How many of these calls pass unharmed first.
    #[serde(default)]
    pub skip: u32,
    /// How many are struck then; all, until it is disarmed, if `None`.
    #[serde(default = "once")]
    pub times: Option<u32>,
}

#[expect(clippy::unnecessary_wraps, reason = "serde asks for the field's type")]
fn once() -> Option<u32> {
    Some(1)
}

impl Fault {
    /// The next call goes wrong.
    pub fn once(what: FaultKind) -> Self {
        Self {
            what,
            on: Calls::default(),
            skip: 0,
            times: Some(1),
        }
    }

    /// Every call goes wrong, until the fault is disarmed.
    pub fn always(what: FaultKind) -> Self {
        Self {
            times: None,
            ..Self::once(what)
        }
    }

    /// Only such calls go wrong.
    #[must_use]
    pub fn on(self, on: Calls) -> Self {
        Self { on, ..self }
    }

    /// So many calls pass first.
    #[must_use]
    pub fn after(self, skip: u32) -> Self {
        Self { skip, ..self }
    }
}

/// An armed fault, as the list shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Armed {
    /// To disarm it by.
    pub id: u64,
    /// What was armed; `skip` and `times` count down.
    #[serde(flatten)]
    pub fault: Fault,
    /// How often it struck.
    pub struck: u32,
}

/// A call that a fault may strike.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// Where it arrives.
    pub service: Service,
    /// Its HTTP method; empty for an event.
    pub method: &'a str,
    /// Its path with the query.
    pub path: &'a str,
    /// Its body, as far as [`Faults::wants_bodies`] asked for it.
    pub body: &'a [u8],
}

/// The faults that are armed.
#[derive(Debug, Default)]
pub struct Faults {
    armed: Mutex<Vec<Armed>>,
    /// How many are armed: calls look no further while it is zero.
    count: AtomicUsize,
    last_id: AtomicUsize,
}

impl Faults {
    /// Arms a fault and gives its id.
    pub fn arm(&self, fault: Fault) -> u64 {
        let id = self.last_id.fetch_add(1, Ordering::Relaxed) as u64 + 1;
        let mut armed = self.lock();
        armed.push(Armed {
            id,
            fault,
            struck: 0,
        });
        self.count.store(armed.len(), Ordering::Release);
        id
    }

    /// Disarms a fault; false if there is none of this id.
    pub fn disarm(&self, id: u64) -> bool {
        let mut armed = self.lock();
        let before = armed.len();
        armed.retain(|each| each.id != id);
        self.count.store(armed.len(), Ordering::Release);
        armed.len() < before
    }

    /// Disarms all.
    pub fn clear(&self) {
        self.lock().clear();
        self.count.store(0, Ordering::Release);
    }

    /// The faults that are armed or have struck, oldest first. One that is used up stays, harmless, to be looked at.
    pub fn list(&self) -> Vec<Armed> {
        self.lock().clone()
    }

    /// Whether any fault is there at all.
    pub fn quiet(&self) -> bool {
        self.count.load(Ordering::Acquire) == 0
    }

    /// Whether a fault of this service looks at bodies.
    pub fn wants_bodies(&self, service: Service) -> bool {
        self.lock()
            .iter()
            .any(|each| each.fault.on.body_contains.is_some() && each.fault.fits(service))
    }

    /// The faults that strike this call, each with its id. Each is used up by one.
    pub fn strike(&self, call: Call<'_>) -> Vec<(u64, FaultKind)> {
        if self.quiet() {
            return Vec::new();
        }
        let mut struck = Vec::new();
        for each in self
            .lock()
            .iter_mut()
            .filter(|each| each.fault.matches(call))
        {
            let fault = &mut each.fault;
            if fault.skip > 0 {
                fault.skip -= 1;
                continue;
            }
            match &mut fault.times {
                Some(0) => continue,
                Some(times) => *times -= 1,
                None => {}
            }
            each.struck += 1;
            struck.push((each.id, fault.what.clone()));
        }
        struck
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Armed>> {
        self.armed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Fault {
    fn of_events(&self) -> bool {
        matches!(
            self.what,
            FaultKind::NotifyLate { .. }
                | FaultKind::NotifyTwice
                | FaultKind::NotifyReversed { .. }
        )
    }

    fn fits(&self, service: Service) -> bool {
        self.of_events() == (service == Service::Events)
            && self.on.service.is_none_or(|wanted| wanted == service)
    }

    fn matches(&self, call: Call<'_>) -> bool {
        let on = &self.on;
        self.fits(call.service)
            && on
                .method
                .as_ref()
                .is_none_or(|method| method.eq_ignore_ascii_case(call.method))
            && on
                .path_contains
                .as_ref()
                .is_none_or(|part| call.path.contains(part.as_str()))
            && on
                .body_contains
                .as_ref()
                .is_none_or(|part| contains_ignoring_case(call.body, part.as_bytes()))
    }
}

fn contains_ignoring_case(body: &[u8], part: &[u8]) -> bool {
    part.is_empty()
        || body
            .windows(part.len())
            .any(|window| window.eq_ignore_ascii_case(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    const REFUSE: FaultKind = FaultKind::Refuse {
        status: 503,
        retry_after_seconds: None,
    };

    fn call(body: &str) -> Call<'_> {
        Call {
            service: Service::Snowflake,
            method: "POST",
            path: "/api/v2/statements",
            body: body.as_bytes(),
        }
    }

    #[test]
    fn a_fault_strikes_as_often_as_it_says_after_as_many_as_it_lets_pass() {
        let faults = Faults::default();
        faults.arm(Fault {
            times: Some(2),
            ..Fault::once(REFUSE).after(1)
        });
        let struck: Vec<_> = (0..4).map(|_| faults.strike(call("")).len()).collect();
        assert_eq!(struck, [0, 1, 1, 0]);
        assert_eq!(faults.list()[0].struck, 2);
    }

    #[test]
    fn a_fault_strikes_only_the_calls_that_it_names() {
        let faults = Faults::default();
        let on = Calls {
            body_contains: Some("commit".into()),
            ..Calls::default()
        };
        faults.arm(Fault::always(FaultKind::LoseAnswer).on(on));
        assert!(faults.strike(call("select 1")).is_empty());
        assert_eq!(faults.strike(call("begin; COMMIT")).len(), 1);
    }

    #[test]
    fn a_fault_of_events_never_strikes_http_nor_the_other_way_round() {
        let faults = Faults::default();
        faults.arm(Fault::always(FaultKind::NotifyTwice));
        assert!(faults.strike(call("")).is_empty());
        faults.clear();
        faults.arm(Fault::always(REFUSE));
        assert!(
            faults
                .strike(Call {
                    service: Service::Events,
                    ..call("")
                })
                .is_empty()
        );
    }

    #[test]
    fn a_fault_is_read_from_the_json_that_users_write() {
        let text =
            r#"{"fault":"refuse","status":429,"on":{"service":"s3","method":"PUT"},"times":null}"#;
        let fault: Fault = serde_json::from_str(text).unwrap();
        let on = Calls {
            service: Some(Service::S3),
            method: Some("PUT".into()),
            ..Calls::default()
        };
        assert_eq!(
            fault,
            Fault::always(FaultKind::Refuse {
                status: 429,
                retry_after_seconds: None
            })
            .on(on)
        );
        assert!(
            serde_json::from_str::<Fault>(r#"{"fault":"slow","millis":1,"on":{"sevice":"s3"}}"#)
                .is_err()
        );
    }
}
