//! A second, simple description of the money commands: amounts of one currency, into which others
//! are multiplied, and no transfers. The available amount is the money brought in, less what is
//! held and spent. One card has limits; the use of its day is the sum that its authorisations still
//! count with.

use domain::{AuthId, HoldState};

/// The kind of an authorisation in the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Purchase,
    Reservation,
    Increment,
    Completion,
    Refund,
    Reversal,
    Forced,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Pending,
    Approved,
    Declined,
}

/// The result of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// An authorisation that was begun or decided has this status.
    Status(Status),
    /// The network's key had made this one before.
    Repeated(AuthId),
    Taken,
    /// Also if the network's key had made another one before.
    Refused,
}

/// The limit of a single authorisation of the limited card.
pub const SINGLE: i64 = 500;
/// The limit of its day.
pub const DAILY: i64 = 900;

/// A new authorisation.
#[derive(Debug, Clone)]
pub struct Asked {
    pub auth_id: AuthId,
    pub kind: Kind,
    pub amount: i64,
    pub original: Option<usize>,
    /// Billing units for one of the acquirer's.
    pub rate: i64,
    pub is_limited: bool,
    pub key: Option<u8>,
}

impl Asked {
    /// An authorisation of nothing, without limits and in the billing currency.
    pub const fn of(kind: Kind) -> Self {
        Self {
            auth_id: AuthId::from_i64(0),
            kind,
            amount: 0,
            original: None,
            rate: 1,
            is_limited: false,
            key: None,
        }
    }
}

/// One authorisation.
#[derive(Debug, Clone)]
pub struct Known {
    pub auth_id: AuthId,
    pub kind: Kind,
    pub status: Status,
    pub original: Option<usize>,
    pub amount: i64,
    pub rate: i64,
    pub is_limited: bool,
    key: Option<u8>,
    /// The amount that it still counts with towards the day.
    counted: i64,
    reversed: i64,
    pub held: i64,
    /// Neither cleared nor reversed; below zero after a clearing of more than was asked.
    pub left: i64,
    pub cleared: bool,
    pub state: HoldState,
}

/// All money of one enterprise.
#[derive(Debug, Clone, Default)]
pub struct Model {
    pub funding: i64,
    pub posted: i64,
    /// The use of the limited card's day.
    pub used: i64,
    pub known: Vec<Known>,
}

impl Model {
    /// Available, held, posted.
    pub fn balances(&self) -> (i64, i64, i64) {
        (self.available(), self.held(), self.posted)
    }

    fn held(&self) -> i64 {
        self.known.iter().map(|it| it.held).sum()
    }

    fn available(&self) -> i64 {
        self.funding - self.posted - self.held()
    }

    /// A new authorisation that holds its amount, or less if a reservation covers it.
    pub fn begin(&mut self, asked: &Asked) -> Done {
        let is_same = |it: &&Known| it.is_limited == asked.is_limited && it.key == asked.key;
        if let Some(first) = self.known.iter().find(|it| it.key.is_some() && is_same(it)) {
            let is_repeat = first.kind == asked.kind
                && (first.amount, first.rate) == (asked.amount, asked.rate)
                && first.original == asked.original;
            return if is_repeat { Done::Repeated(first.auth_id) } else { Done::Refused };
        }
        if asked.original.is_some_and(|index| !self.may_follow(index, asked.kind)) {
            return Done::Refused;
        }
        let reserved = if asked.kind == Kind::Completion {
            self.bill(asked.original.unwrap()).iter().map(|index| self.known[*index].held).sum()
        } else {
            0
        };
        let need = if asked.kind == Kind::Refund { 0 } else { (asked.amount - reserved).max(0) };
        let is_covered = need == 0 || need <= self.available();
        let is_taken = is_covered && !(asked.is_limited && self.is_excess(asked, need));
        let held = if is_taken { need } else { 0 };
        let counted = if asked.is_limited { held } else { 0 };
        self.used += counted;
        let status = if is_taken { Status::Pending } else { Status::Declined };
        self.known.push(Known {
            auth_id: asked.auth_id,
            kind: asked.kind,
            status,
            original: asked.original,
            amount: asked.amount,
            rate: asked.rate,
            is_limited: asked.is_limited,
            key: asked.key,
            counted,
            reversed: 0,
            held,
            left: asked.amount,
            cleared: false,
            state: if held > 0 { HoldState::Pending } else { HoldState::None },
        });
        Done::Status(status)
    }

    /// True if it exceeds a limit: the day's, or for an increment the one of its whole bill.
    fn is_excess(&self, asked: &Asked, need: i64) -> bool {
        let is_raised_too_far = asked.kind == Kind::Increment && {
            let of_bill = |it: &&Known| {
                it.kind == Kind::Increment
                    && it.original == asked.original
                    && it.status != Status::Declined
            };
            let original = &self.known[asked.original.unwrap()];
            let members = self.known.iter().filter(of_bill).chain([original]);
            let raised: i64 = members.map(|it| it.amount - it.reversed).sum();
            raised + asked.amount > SINGLE
        };
        is_raised_too_far || (need > 0 && self.used + need > DAILY)
    }

    /// Subtracts an amount that was given back from what these count with, in order.
    fn give_back(&mut self, counting: &[usize], amount: i64) {
        let mut rest = amount;
        for index in counting {
            let part = self.known[*index].counted.min(rest);
            self.known[*index].counted -= part;
            self.used -= part;
            rest -= part;
        }
    }

    /// The authorisations that count for a hold: a completion's took over its reservation's.
    fn counting(&self, index: usize) -> Vec<usize> {
        let mut counting = vec![index];
        if self.known[index].kind == Kind::Completion {
            counting.extend(self.bill(self.known[index].original.unwrap()).iter().rev());
        }
        counting
    }

    /// The authorisations that count for the holds of a bill.
    fn counting_of_bill(&self, index: usize) -> Vec<usize> {
        if self.known[index].kind == Kind::Completion {
            return self.counting(index);
        }
        self.bill(index).into_iter().rev().collect()
    }

    /// True if an authorisation may be incremented or completed.
    pub fn may_follow(&self, index: usize, kind: Kind) -> bool {
        let it = &self.known[index];
        let is_completed = self.known.iter().any(|other| {
            other.kind == Kind::Completion
                && other.original == Some(index)
                && other.status != Status::Declined
        });
        let is_open = it.state == HoldState::Pending
            || (it.state == HoldState::Expired && kind == Kind::Completion);
        let is_spent = kind == Kind::Completion && self.is_spent(index);
        self.is_spending(index) && is_open && !is_completed && !is_spent
    }

    pub fn decide(&mut self, index: usize, yes: bool) {
        if self.known[index].status != Status::Pending {
            return;
        }
        if !yes || self.is_overtaken(index) {
            self.give_back(&[index], self.known[index].held);
            let it = &mut self.known[index];
            it.status = Status::Declined;
            close(it, HoldState::Voided);
            return;
        }
        self.known[index].status = Status::Approved;
        match self.known[index].kind {
            Kind::Refund => self.posted -= self.known[index].amount,
            Kind::Completion => self.take_over(index),
            _ => {}
        }
    }

    fn take_over(&mut self, index: usize) {
        let bill = self.bill(self.known[index].original.unwrap());
        let reserved: i64 = bill.iter().map(|member| self.known[*member].held).sum();
        for member in &bill {
            close(&mut self.known[*member], HoldState::Voided);
        }
        let lacking = self.known[index].amount - self.known[index].held;
        let counting: Vec<_> = bill.into_iter().rev().collect();
        self.give_back(&counting, (reserved - lacking).max(0));
        let it = &mut self.known[index];
        if it.is_limited {
            // The part that its reservation no longer held, because its time had run out.
            let more = (lacking - reserved).max(0);
            it.counted += more;
            self.used += more;
        }
        it.held = it.amount;
        it.state = HoldState::Pending;
    }

    /// True if the authorisation that it follows has ended since, so it can no longer be approved.
    fn is_overtaken(&self, index: usize) -> bool {
        let original = self.known[index].original.map(|original| &self.known[original]);
        match (self.known[index].kind, original) {
            (Kind::Increment, Some(original)) => is_closed(original),
            (Kind::Completion, Some(original)) => {
                let reserved = self.known[index].original.unwrap();
                is_closed(original) || self.is_spent(reserved) || !self.is_takeover_covered(index)
            }
            _ => false,
        }
    }

    /// True if the money for a completion is there; its reservation may hold less by now.
    fn is_takeover_covered(&self, index: usize) -> bool {
        let it = &self.known[index];
        let reserved: i64 =
            self.bill(it.original.unwrap()).iter().map(|member| self.known[*member].held).sum();
        it.amount - it.held - reserved <= self.available().max(0)
    }

    /// True if anything of an authorisation or its increments was cleared, or all of it was
    /// reversed.
    fn is_spent(&self, index: usize) -> bool {
        let is_cleared = |member: &usize| self.known[*member].cleared;
        self.known[index].left <= 0 || self.bill(index).iter().any(is_cleared)
    }

    /// True if it is approved and takes money from the cardholder.
    fn is_spending(&self, index: usize) -> bool {
        let it = &self.known[index];
        it.status == Status::Approved && !matches!(it.kind, Kind::Refund | Kind::Reversal)
    }

    /// An authorisation and its approved increments.
    fn bill(&self, index: usize) -> Vec<usize> {
        let increments = (0..self.known.len()).filter(|other| {
            let it = &self.known[*other];
            it.kind == Kind::Increment
                && it.original == Some(index)
                && it.status == Status::Approved
        });
        let mut increments: Vec<_> = increments.collect();
        // Two that came at once are in order of their ids.
        increments.sort_by_key(|increment| self.known[*increment].auth_id);
        std::iter::once(index).chain(increments).collect()
    }

    /// Returns whether the clearing is accepted.
    pub fn clear(&mut self, index: usize, part: Option<i64>, is_final: bool) -> bool {
        let bill = self.bill(index);
        let usable = |it: &Known| if is_closed(it) { 0 } else { it.left.max(0) };
        let part = part.map(|minor| minor * self.known[index].rate);
        let total = part.unwrap_or_else(|| bill.iter().map(|i| usable(&self.known[*i])).sum());
        if !self.is_spending(index) || total <= 0 {
            return false;
        }
        let left: i64 = bill.iter().map(|i| usable(&self.known[*i])).sum();
        if usable(&self.known[index]) == 0 && total > left {
            return false;
        }
        let before = self.available();
        let mut rest = total;
        let mut uses: Vec<_> = Vec::new();
        for member in &bill {
            let used = usable(&self.known[*member]).min(rest);
            rest -= used;
            uses.push(used);
        }
        uses[0] += rest;
        for (member, used) in bill.iter().zip(&uses).skip(1) {
            let it = &mut self.known[*member];
            it.left -= used;
            it.cleared |= *used > 0;
            it.held -= (*used).min(it.held);
            let is_used_up = it.held == 0 && it.state == HoldState::Pending;
            if is_used_up || (is_final && !is_closed(it)) {
                close(it, HoldState::Voided);
            }
        }
        let it = &mut self.known[index];
        it.left -= uses[0];
        it.held -= total.min(it.held);
        it.cleared = true;
        // A clearing that is not final ends only an authorisation that nothing can follow.
        let ends_empty = it.original.is_some() && it.state == HoldState::Pending && it.held == 0;
        if is_final || ends_empty {
            close(it, HoldState::Posted);
        }
        self.posted += total;
        self.give_back(&self.counting_of_bill(index), (self.available() - before).max(0));
        true
    }

    /// Returns whether the reversal is accepted.
    pub fn reverse(&mut self, auth_id: AuthId, index: usize, part: Option<i64>) -> bool {
        let mut open = self.bill(index);
        open.retain(|member| self.known[*member].state == HoldState::Pending);
        let left: i64 = open.iter().map(|member| self.known[*member].left.max(0)).sum();
        let total = part.map_or(left, |minor| minor * self.known[index].rate);
        if !self.is_spending(index) || open.is_empty() || total <= 0 || total > left {
            return false;
        }
        let mut rest = total;
        for member in open.iter().rev() {
            let it = &mut self.known[*member];
            let used = it.left.max(0).min(rest);
            let released = used.min(it.held);
            rest -= used;
            it.left -= used;
            it.reversed += used;
            it.held -= released;
            if it.held == 0 && (it.original.is_some() || total == left) {
                close(it, HoldState::Voided);
            }
            let counting = self.counting(*member);
            self.give_back(&counting, released);
        }
        self.push_incoming(auth_id, total, Some(index)).kind = Kind::Reversal;
        true
    }

    /// Expires a hold; false if it was not open.
    pub fn expire(&mut self, index: usize) -> bool {
        let it = &self.known[index];
        let is_expired = it.state == HoldState::Pending && it.status != Status::Pending;
        if is_expired {
            self.give_back(&self.counting(index), self.known[index].held);
            let it = &mut self.known[index];
            it.held = 0;
            it.state = HoldState::Expired;
        }
        is_expired
    }

    /// A record that holds nothing.
    fn push_incoming(
        &mut self,
        auth_id: AuthId,
        amount: i64,
        original: Option<usize>,
    ) -> &mut Known {
        // Only a message that follows another may be refused, and this one follows nothing yet.
        self.begin(&Asked { auth_id, amount, ..Asked::of(Kind::Refund) });
        let it = self.known.last_mut().unwrap();
        it.original = original;
        it
    }

    pub fn force(&mut self, auth_id: AuthId, amount: i64) {
        let it = self.push_incoming(auth_id, amount, None);
        (it.kind, it.status, it.state) = (Kind::Forced, Status::Approved, HoldState::Posted);
        self.posted += amount;
    }

    pub fn withdraw(&mut self, amount: i64) -> bool {
        let is_covered = amount <= self.available();
        if is_covered {
            self.funding -= amount;
        }
        is_covered
    }
}

const fn is_closed(it: &Known) -> bool {
    matches!(it.state, HoldState::Posted | HoldState::Voided)
}

fn close(it: &mut Known, state: HoldState) {
    if it.state == HoldState::None && state == HoldState::Voided {
        return;
    }
    it.held = 0;
    it.state = if it.cleared { HoldState::Posted } else { state };
}
