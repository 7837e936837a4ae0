//! Sessions that drivers hold open, by the tokens that they were given.

use crate::engine::Session;
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// As on Snowflake, a session that nobody uses ends after four hours.
pub const IDLE: Duration = Duration::from_secs(4 * 3600);

/// A session of the engine that outlives its requests. It runs one statement after the other.
pub struct KeptSession {
    pub id: u64,
    pub user: String,
    /// The session parameter by which its driver asks for Arrow, if it does.
    pub arrow: Option<&'static str>,
    session: Mutex<Session>,
    used: Mutex<Instant>,
}

/// Tokens of a session: one for its calls, one to renew it.
#[derive(Debug, Clone)]
pub struct Tokens {
    pub session: String,
    pub master: String,
}

/// Where a session stands: what drivers are told after each statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub database: Option<String>,
    pub schema: Option<String>,
    pub warehouse: Option<String>,
    pub role: String,
}

/// All sessions of drivers.
#[derive(Default)]
pub struct Sessions {
    last_id: AtomicU64,
    by_token: Mutex<HashMap<String, (Tokens, Arc<KeptSession>)>>,
}

impl Place {
    pub fn of(session: &Session) -> Self {
        Self {
            database: session.database().map(str::to_owned),
            schema: session.schema().map(str::to_owned),
            warehouse: session.warehouse().map(str::to_owned),
            role: session.role().to_owned(),
        }
    }
}

impl KeptSession {
    /// The session itself, once nothing else runs in it.
    pub fn lock(&self) -> MutexGuard<'_, Session> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn touch(&self) {
        *self.used.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn is_idle(&self) -> bool {
        self.used
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .elapsed()
            > IDLE
    }
}

impl Sessions {
    /// Keeps a session, and ends those that nobody has used for long.
    ///
    /// # Errors
    /// If the system gives no random numbers.
    pub fn keep(
        &self,
        user: &str,
        arrow: Option<&'static str>,
        session: Session,
    ) -> Result<(Tokens, Arc<KeptSession>), Unspecified> {
        let id = self.last_id.fetch_add(1, Ordering::Relaxed) + 1;
        let tokens = Tokens {
            session: random()?,
            master: random()?,
        };
        let kept = Arc::new(KeptSession {
            id,
            user: user.to_owned(),
            arrow,
            session: Mutex::new(session),
            used: Mutex::new(Instant::now()),
        });
        let mut by_token = self.lock();
        by_token.retain(|_, (_, kept)| !kept.is_idle());
        by_token.insert(tokens.session.clone(), (tokens.clone(), Arc::clone(&kept)));
        Ok((tokens, kept))
    }

    /// The session of a session token.
    pub fn find(&self, token: &str) -> Option<Arc<KeptSession>> {
        let kept = self.lock().get(token).map(|(_, kept)| Arc::clone(kept))?;
        kept.touch();
        Some(kept)
    }

    /// New tokens for the session of this master token; the old ones end.
    ///
    /// # Errors
    /// If the system gives no random numbers.
    pub fn renew(&self, master: &str) -> Result<Option<(Tokens, u64)>, Unspecified> {
        let mut by_token = self.lock();
        let found = by_token
            .values()
            .find(|(tokens, _)| tokens.master == master)
            .cloned();
        let Some((old, kept)) = found else {
            return Ok(None);
        };
        let tokens = Tokens {
            session: random()?,
            master: random()?,
        };
        by_token.remove(&old.session);
        let id = kept.id;
        by_token.insert(tokens.session.clone(), (tokens.clone(), kept));
        Ok(Some((tokens, id)))
    }

    /// Ends a session; its open transaction is rolled back once its statement has ended.
    pub fn end(&self, token: &str) {
        self.lock().remove(token);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, (Tokens, Arc<KeptSession>)>> {
        self.by_token.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn random() -> Result<String, Unspecified> {
    let mut bytes = [0; 48];
    SystemRandom::new().fill(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}
