//! Late reads: replies that are still read after their deadline. Each holds a connection, and thus
//! a file handle of the process, for up to half a minute. Therefore the total of exchanges is
//! bounded, an enterprise has a share of it, and a read that has waited long gives way.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use domain::EnterpriseId;
use tokio::sync::oneshot;

/// The part of the total that one enterprise's late reads may take: one in this many.
const SHARES: usize = 4;

/// Exchanges with enterprises: those whose answer still decides, and late reads.
pub(crate) struct LateReads {
    /// Most exchanges while any of them is a late read.
    max_exchanges: usize,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    /// Exchanges whose answer still decides.
    in_time: usize,
    next_number: u64,
    /// Late reads, oldest first.
    late: BTreeMap<u64, Late>,
    by_enterprise: HashMap<EnterpriseId, usize>,
}

struct Late {
    enterprise_id: EnterpriseId,
    /// Dropped when the read must end.
    _ends: oneshot::Sender<()>,
}

/// An exchange whose answer still decides.
pub(crate) struct InTime<'a>(&'a LateReads);

/// The right to keep reading. It ends when `given_way` does.
pub(crate) struct LateRead<'a> {
    reads: &'a LateReads,
    number: u64,
    given_way: oneshot::Receiver<()>,
}

impl LateReads {
    /// Allows at most this many exchanges while any of them is a late read.
    pub(crate) fn new(max_exchanges: usize) -> Self {
        Self { max_exchanges, open: Mutex::default() }
    }

    /// Counts an exchange whose answer decides; late reads make room for it.
    pub(crate) fn begin(&self) -> InTime<'_> {
        let mut open = self.lock();
        open.in_time += 1;
        open.shrink_to(self.max_exchanges);
        InTime(self)
    }

    /// Lets an exchange be read after its deadline. If the enterprise's share is used up, its
    /// oldest read gives way; if the total is, the oldest read of the enterprise with most of them
    /// does.
    pub(crate) fn read_on<'a>(
        &'a self,
        in_time: InTime<'a>,
        enterprise_id: EnterpriseId,
    ) -> LateRead<'a> {
        drop(in_time);
        let (ends, given_way) = oneshot::channel();
        let mut open = self.lock();
        let number = open.next_number;
        open.next_number += 1;
        open.late.insert(number, Late { enterprise_id, _ends: ends });
        let own = open.by_enterprise.entry(enterprise_id).or_default();
        *own += 1;
        if *own > self.max_exchanges.div_ceil(SHARES) {
            open.end_oldest_of(enterprise_id);
        }
        open.shrink_to(self.max_exchanges);
        LateRead { reads: self, number, given_way }
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    fn shrink_to(&mut self, max_exchanges: usize) {
        while self.in_time + self.late.len() > max_exchanges {
            let busiest = self.by_enterprise.iter().max_by_key(|(_, reads)| **reads);
            let Some((enterprise_id, _)) = busiest else { return };
            self.end_oldest_of(*enterprise_id);
        }
    }

    fn end_oldest_of(&mut self, enterprise_id: EnterpriseId) {
        let oldest = self.late.iter().find(|(_, late)| late.enterprise_id == enterprise_id);
        if let Some((number, _)) = oldest {
            self.end(*number);
        }
    }

    fn end(&mut self, number: u64) {
        let Some(late) = self.late.remove(&number) else { return };
        if let Some(reads) = self.by_enterprise.get_mut(&late.enterprise_id) {
            *reads -= 1;
            if *reads == 0 {
                self.by_enterprise.remove(&late.enterprise_id);
            }
        }
    }
}

impl Drop for InTime<'_> {
    fn drop(&mut self) {
        self.0.lock().in_time -= 1;
    }
}

impl LateRead<'_> {
    /// The result of `read`, unless it has to give way first.
    pub(crate) async fn of<T>(mut self, read: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            read = read => Some(read),
            _ = &mut self.given_way => None,
        }
    }
}

impl Drop for LateRead<'_> {
    fn drop(&mut self) {
        self.reads.lock().end(self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_on(reads: &LateReads, enterprise: i64) -> LateRead<'_> {
        reads.read_on(reads.begin(), EnterpriseId::from_i64(enterprise))
    }

    fn goes_on(read: &mut LateRead<'_>) -> bool {
        matches!(read.given_way.try_recv(), Err(oneshot::error::TryRecvError::Empty))
    }

    #[test]
    fn an_enterprise_beyond_its_share_displaces_its_own_reads() {
        let reads = LateReads::new(8);
        let mut other = read_on(&reads, 2);
        let mut own: Vec<_> = (0..3).map(|_| read_on(&reads, 1)).collect();
        let going_on: Vec<_> = own.iter_mut().map(goes_on).collect();
        assert_eq!(going_on, [false, true, true]);
        assert!(goes_on(&mut other));
        drop(own);
        assert_eq!(reads.lock().by_enterprise.len(), 1);
    }

    #[test]
    fn late_reads_make_room_for_answers_that_decide() {
        let reads = LateReads::new(4);
        let mut few = read_on(&reads, 1);
        let mut many: Vec<_> = (2..5).map(|enterprise| read_on(&reads, enterprise)).collect();
        let asked: Vec<_> = (0..3).map(|_| reads.begin()).collect();
        let left =
            many.iter_mut().chain([&mut few]).filter_map(|it| goes_on(it).then_some(())).count();
        assert_eq!(left, 1);
        let more: Vec<_> = (0..3).map(|_| reads.begin()).collect();
        assert!(reads.lock().late.is_empty());
        drop((asked, more, few, many));
        let open = reads.lock();
        assert_eq!((open.in_time, open.late.len(), open.by_enterprise.len()), (0, 0, 0));
    }
}
