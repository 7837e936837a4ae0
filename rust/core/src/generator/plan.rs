//! Plans the next event and its customer: the only sequential part of the generator.
//!
//! It stores the current customers, so that updates and deletes refer to existing ones only: eight bytes each (100 million
//! customers take 800 MB; a stream of only inserts stores nothing). It makes no text.

use std::hint::black_box;

use super::Options;
use super::defect::Defect;
use super::person::{Change, Life};
use super::population::Population;
use crate::event::Op;
use crate::random::{Draws, below, threshold};

/// An event before it is rendered as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Planned {
    pub(crate) sequence: u64,
    /// Counts from 0; the customer's id is the first customer's id plus this.
    pub(crate) id: u32,
    pub(crate) life: Life,
    pub(crate) op: Op,
    /// Set on a malformed row, which is added beside the valid one.
    pub(crate) defect: Option<Defect>,
}

/// 64 random bits as two times 32; the lower ones as a number that a threshold is compared with.
#[inline(always)]
const fn halves(draw: u64) -> (u64, u32) {
    (draw & 0xffff_ffff, (draw >> 32) as u32)
}

/// A current customer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Living {
    pub(crate) id: u32,
    pub(crate) life: Life,
}

/// The number of deleted customers who may return; older ones are dropped, so memory stays constant.
const REMEMBERED_DEAD: usize = 1024;

/// The changes, each with its frequency: 35 % moves, 30 % e-mail addresses, 25 % telephone numbers, 10 % last
/// names.
const CHANGES: [Change; 20] = {
    use Change::{Email, LastName, Move, Phone};
    [
        Move, Move, Move, Move, Move, Move, Move, Email, Email, Email, Email, Email, Email, Phone,
        Phone, Phone, Phone, Phone, LastName, LastName,
    ]
};

#[derive(Debug)]
pub(crate) struct Planner {
    population: Population,
    odds: Odds,
    draws: Draws,
    /// Empty for streams of only inserts, whose customers never change.
    living: Vec<Living>,
    /// The latest customers deleted, in no order.
    dead: Vec<Living>,
    deletes: usize,
    newcomers: u32,
    next: u64,
    /// The index in `living` of the last event's customer, if not deleted.
    last: Option<usize>,
    /// The draws of the group of events that `next` belongs to.
    group: [u64; GROUP],
    /// The number of customers when the group began: its changes apply to those.
    group_living: u32,
}

/// Events whose draws are made together. Their customers are known beforehand, so that their entries in `living` are loaded
/// into the cache in parallel and not one after the other.
const GROUP: usize = 64;

/// Probabilities as thresholds for 32 random bits.
#[derive(Clone, Copy, Debug)]
struct Odds {
    only_inserts: bool,
    initial: u64,
    updates: u64,
    updates_and_deletes: u64,
    returns: u64,
    same_key: u64,
    rows_per_file: u64,
}

impl Planner {
    pub(crate) fn new(options: &Options, population: Population) -> Self {
        Self {
            population,
            odds: Odds {
                only_inserts: options.updates + options.deletes + options.same_key == 0.0,
                initial: options.initial,
                updates: threshold(options.updates),
                updates_and_deletes: threshold(options.updates + options.deletes),
                returns: threshold(options.returns),
                same_key: threshold(options.same_key),
                rows_per_file: options.rows_per_file,
            },
            draws: Draws::new(options.seed, 7),
            living: Vec::new(),
            dead: Vec::with_capacity(REMEMBERED_DEAD),
            deletes: 0,
            newcomers: 0,
            next: 0,
            last: None,
            group: [0; GROUP],
            group_living: 0,
        }
    }

    /// The sequence number of the next event.
    pub(crate) const fn next_sequence(&self) -> u64 {
        self.next
    }

    /// Moves to the event `sequence`; in a stream of only inserts, without planning those before it.
    pub(crate) fn skip_inserts_to(&mut self, sequence: u64) -> bool {
        if self.odds.only_inserts {
            self.next = sequence;
            self.newcomers = u32::try_from(sequence).unwrap_or(u32::MAX);
        }
        self.odds.only_inserts
    }

    /// The next event.
    #[inline]
    pub(crate) fn next(&mut self) -> Planned {
        let sequence = self.next;
        self.next += 1;
        if self.odds.only_inserts {
            let id = self.newcomers;
            self.newcomers = self.newcomers.saturating_add(1);
            return Planned {
                sequence,
                id,
                life: Life::default(),
                op: Op::Insert,
                defect: None,
            };
        }
        let in_group = sequence as usize % GROUP;
        if in_group == 0 {
            self.begin_group(sequence);
        }
        let (op, who) = halves(self.group[in_group]);
        let (customer, op) = match self.same_key_as_before(sequence) {
            Some(index) => (self.update(sequence, index), Op::Update),
            None if sequence < self.odds.initial || self.living.is_empty() => {
                (self.insert(sequence), Op::Insert)
            }
            None => {
                // Deletes may have shortened the list since the group began.
                let mut index = below(who, self.group_living) as usize;
                if index >= self.living.len() {
                    index = below(who, self.living.len() as u32) as usize;
                }
                if op < self.odds.updates || self.newcomers == u32::MAX {
                    (self.update(sequence, index), Op::Update)
                } else if op < self.odds.updates_and_deletes {
                    (self.delete(index), Op::Delete)
                } else {
                    (self.insert(sequence), Op::Insert)
                }
            }
        };
        Planned {
            sequence,
            id: customer.id,
            life: customer.life,
            op,
            defect: None,
        }
    }

    #[inline(always)]
    fn begin_group(&mut self, sequence: u64) {
        self.group_living = self.living.len() as u32;
        let mut touched = 0;
        for (i, draw) in self.group.iter_mut().enumerate() {
            *draw = self.draws.at(sequence + i as u64, 0);
            let index = below(halves(*draw).1, self.group_living) as usize;
            touched ^= self.living.get(index).map_or(0, |customer| customer.id);
        }
        // The reads load the cache; `black_box` keeps the compiler from removing them.
        black_box(touched);
    }

    /// The customer of the previous event, if this event changes it again in the same file.
    fn same_key_as_before(&self, sequence: u64) -> Option<usize> {
        let wanted = self.odds.same_key > 0
            && !sequence.is_multiple_of(self.odds.rows_per_file)
            && (self.draws.at(sequence, 1) & 0xffff_ffff) < self.odds.same_key;
        self.last.filter(|_| wanted)
    }

    fn insert(&mut self, sequence: u64) -> Living {
        let draw = self.draws.at(sequence, 2);
        let customer = if (draw & 0xffff_ffff) < self.odds.returns && !self.dead.is_empty() {
            let back = self
                .dead
                .swap_remove(below((draw >> 32) as u32, self.dead.len() as u32) as usize);
            // A returning customer has moved.
            Living {
                life: back.life.after(Change::Move),
                ..back
            }
        } else {
            self.newcomers += 1;
            Living {
                id: self.newcomers - 1,
                life: Life::default(),
            }
        };
        self.last = Some(self.living.len());
        self.living.push(customer);
        customer
    }

    fn update(&mut self, sequence: u64, index: usize) -> Living {
        let customer = &mut self.living[index];
        let change =
            CHANGES[below(self.draws.at(sequence, 3) as u32, CHANGES.len() as u32) as usize];
        customer.life = if change == Change::LastName {
            let (person, tables) = self.population.person(customer.id);
            person.marry(tables, customer.life)
        } else {
            customer.life.after(change)
        };
        self.last = Some(index);
        *customer
    }

    fn delete(&mut self, index: usize) -> Living {
        let customer = self.living.swap_remove(index);
        self.deletes += 1;
        if self.dead.len() < REMEMBERED_DEAD {
            self.dead.push(customer);
        } else {
            self.dead[self.deletes % REMEMBERED_DEAD] = customer;
        }
        self.last = None;
        customer
    }

    /// The number of current customers.
    pub(crate) fn living_count(&self) -> u64 {
        if self.odds.only_inserts {
            u64::from(self.newcomers)
        } else {
            self.living.len() as u64
        }
    }

    /// The current customer at `index`, in no particular order.
    pub(crate) fn living(&self, index: u64) -> Living {
        if self.odds.only_inserts {
            Living {
                id: index as u32,
                life: Life::default(),
            }
        } else {
            self.living[index as usize]
        }
    }
}
