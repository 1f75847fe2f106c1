//! The cut of a reconciliation file that is in force.

use domain::{BusinessDay, SettlementFileType};
use store::{CutOutcome, SettlementFile, Store};

use crate::both_engines;
use crate::samples::{ENTERPRISE, NOW};

fn cut(file_id: i64, bytes: u8, is_final: bool) -> SettlementFile {
    SettlementFile {
        enterprise_id: ENTERPRISE,
        day: BusinessDay::from_i64(7),
        file_type: SettlementFileType::Authorisation,
        file_id,
        rows: 1,
        size_bytes: 1,
        sha256: [bytes; 32],
        totals: Vec::new(),
        is_final,
        cut_at: NOW,
    }
}

async fn publish(store: &Store, file: SettlementFile) -> CutOutcome {
    store.begin_settlement_file(file.enterprise_id, file.file_id).await.unwrap();
    store.publish_settlement_file(file).await.unwrap()
}

both_engines!(a_final_file_stays_and_only_another_final_cut_differs_from_it, |store| {
    let closed = cut(2, 2, true);
    assert_eq!(publish(&store, cut(1, 1, false)).await, CutOutcome::Kept(cut(1, 1, false)));
    assert_eq!(publish(&store, closed.clone()).await, CutOutcome::Kept(closed.clone()));
    // This cut began before the day was decided, and ended afterwards.
    assert_eq!(publish(&store, cut(3, 3, false)).await, CutOutcome::Kept(closed.clone()));
    assert_eq!(publish(&store, cut(4, 2, true)).await, CutOutcome::Kept(closed.clone()));
    assert_eq!(publish(&store, cut(5, 3, true)).await, CutOutcome::Differs(closed.clone()));
    let in_force =
        store.find::<SettlementFile>((ENTERPRISE, closed.day, closed.file_type)).await.unwrap();
    assert_eq!(in_force, Some(closed));
});
