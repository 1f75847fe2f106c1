//! What the money commands should do, told once more and simply: amounts of one currency,
//! no rates, no transfers. What is available is what was brought in, less what is held and
//! spent.

use domain::{AuthId, HoldState};

/// What an authorisation is to the model.
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

impl Status {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Approved => "APPROVED",
            Self::Declined => "DECLINED",
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
    pub held: i64,
    /// Neither cleared nor reversed; below zero after a clearing of more than was asked.
    pub left: i64,
    pub cleared: bool,
    pub state: HoldState,
}

/// All money of one enterprise.
#[derive(Debug, Default)]
pub struct Model {
    pub funding: i64,
    pub posted: i64,
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

    /// A new authorisation that holds `amount`, or less where a reservation covers it.
    pub fn begin(&mut self, auth_id: AuthId, kind: Kind, amount: i64, original: Option<usize>) {
        let reserved = if kind == Kind::Completion {
            self.bill(original.unwrap()).iter().map(|index| self.known[*index].held).sum()
        } else {
            0
        };
        let need = if kind == Kind::Refund { 0 } else { (amount - reserved).max(0) };
        let is_covered = need == 0 || need <= self.available();
        self.known.push(Known {
            auth_id,
            kind,
            status: if is_covered { Status::Pending } else { Status::Declined },
            original,
            amount,
            held: if is_covered { need } else { 0 },
            left: amount,
            cleared: false,
            state: if is_covered && need > 0 { HoldState::Pending } else { HoldState::None },
        });
    }

    /// Whether an authorisation may be incremented or completed.
    pub fn may_follow(&self, index: usize, kind: Kind) -> bool {
        let it = &self.known[index];
        let is_completed = self.known.iter().any(|other| {
            other.kind == Kind::Completion
                && other.original == Some(index)
                && other.status != Status::Declined
        });
        let is_open = it.state == HoldState::Pending
            || (it.state == HoldState::Expired && kind == Kind::Completion);
        let is_spent = kind == Kind::Completion && it.left <= 0;
        self.is_spending(index) && is_open && !is_completed && !is_spent
    }

    pub fn decide(&mut self, index: usize, yes: bool) {
        if self.known[index].status != Status::Pending {
            return;
        }
        if !yes || self.is_overtaken(index) {
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
        for member in self.bill(self.known[index].original.unwrap()) {
            close(&mut self.known[member], HoldState::Voided);
        }
        let it = &mut self.known[index];
        it.held = it.amount;
        it.state = HoldState::Pending;
    }

    /// Whether what it follows has ended since, so that it cannot be approved any more.
    fn is_overtaken(&self, index: usize) -> bool {
        let original = self.known[index].original.map(|original| &self.known[original]);
        match (self.known[index].kind, original) {
            (Kind::Increment, Some(original)) => is_closed(original),
            (Kind::Completion, Some(original)) => {
                is_closed(original) || original.left <= 0 || !self.is_takeover_covered(index)
            }
            _ => false,
        }
    }

    /// Whether a completion's amount is there, of which its reservation may hold less by now.
    fn is_takeover_covered(&self, index: usize) -> bool {
        let it = &self.known[index];
        let reserved: i64 =
            self.bill(it.original.unwrap()).iter().map(|member| self.known[*member].held).sum();
        it.amount - it.held <= reserved + self.available()
    }

    /// Whether it is approved and takes money from the cardholder.
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
        std::iter::once(index).chain(increments).collect()
    }

    /// Whether the clearing is taken.
    pub fn clear(&mut self, index: usize, part: Option<i64>, is_final: bool) -> bool {
        let bill = self.bill(index);
        let usable = |it: &Known| if is_closed(it) { 0 } else { it.left.max(0) };
        let total = part.unwrap_or_else(|| bill.iter().map(|i| usable(&self.known[*i])).sum());
        if !self.is_spending(index) || total <= 0 {
            return false;
        }
        let left: i64 = bill.iter().map(|i| usable(&self.known[*i])).sum();
        if usable(&self.known[index]) == 0 && total > left {
            return false;
        }
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
        // What is not final ends only what nothing can follow.
        let ends_empty = it.original.is_some() && it.state == HoldState::Pending && it.held == 0;
        if is_final || ends_empty {
            close(it, HoldState::Posted);
        }
        self.posted += total;
        true
    }

    /// Whether the reversal is taken.
    pub fn reverse(&mut self, auth_id: AuthId, index: usize, part: Option<i64>) -> bool {
        let mut open = self.bill(index);
        open.retain(|member| self.known[*member].state == HoldState::Pending);
        let left: i64 = open.iter().map(|member| self.known[*member].left.max(0)).sum();
        let total = part.unwrap_or(left);
        if !self.is_spending(index) || open.is_empty() || total <= 0 || total > left {
            return false;
        }
        let mut rest = total;
        for member in open.iter().rev() {
            let it = &mut self.known[*member];
            let used = it.left.max(0).min(rest);
            rest -= used;
            it.left -= used;
            it.held -= used.min(it.held);
            if it.held == 0 && (it.original.is_some() || total == left) {
                close(it, HoldState::Voided);
            }
        }
        self.begin(auth_id, Kind::Refund, total, Some(index));
        self.known.last_mut().unwrap().kind = Kind::Reversal;
        true
    }

    /// Whether the hold's time has run out.
    pub fn expire(&mut self, index: usize) -> bool {
        let it = &mut self.known[index];
        let is_expired = it.state == HoldState::Pending && it.status != Status::Pending;
        if is_expired {
            it.held = 0;
            it.state = HoldState::Expired;
        }
        is_expired
    }

    pub fn force(&mut self, auth_id: AuthId, amount: i64) {
        self.begin(auth_id, Kind::Refund, amount, None);
        let it = self.known.last_mut().unwrap();
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
