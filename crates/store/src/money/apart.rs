//! What stands apart from the rows of authorisations, so that their changes touch no index: that
//! one is undecided, that its hold is open, and its receipt.

use crate::StoreError;
use crate::engine::Tx;
use crate::receipts::{Receipt, pack};
use crate::records::record;
use domain::{AuthId, Authorisation, AuthorisationStatus, EnterpriseId, HoldState, Timestamp};

/// An authorisation without a decision.
pub(crate) struct Undecided {
    pub(crate) enterprise_id: EnterpriseId,
    pub(crate) auth_id: AuthId,
    /// The receipt so far, packed.
    pub(crate) body: Vec<u8>,
}

record! {
    Undecided in "undecided" key (enterprise_id, auth_id) {
        enterprise_id,
        auth_id,
        body,
    }
}

/// The open hold of a decided authorisation.
pub(crate) struct OpenHold {
    pub(crate) enterprise_id: EnterpriseId,
    pub(crate) auth_id: AuthId,
    pub(crate) expires_at: Timestamp,
}

record! {
    OpenHold in "open_hold" key (enterprise_id, auth_id) {
        enterprise_id,
        auth_id,
        expires_at,
    }
}

/// The tables, besides that of receipts, in which an authorisation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Standing {
    is_undecided: bool,
    expires_at: Option<Timestamp>,
}

impl Standing {
    pub(super) fn of(it: &Authorisation) -> Self {
        let is_undecided = it.status == AuthorisationStatus::Pending;
        let is_open = !is_undecided && it.hold_state == HoldState::Pending;
        Self { is_undecided, expires_at: it.hold_expires_at.filter(|_| is_open) }
    }

    pub(super) const fn is_undecided(self) -> bool {
        self.is_undecided
    }
}

/// The receipt's columns in the row of a new authorisation, which say that it stands apart.
pub(super) mod elsewhere {
    use crate::StoreError;
    use crate::engine::Value;
    use crate::records::Fields;

    pub(in crate::money) fn read(fields: &mut Fields<'_>) -> Result<String, StoreError> {
        let (text, _): (String, Option<i64>) = fields.read()?;
        Ok(text)
    }

    pub(in crate::money) fn write(_: &str, values: &mut Vec<Value>) {
        values.extend(["".into(), Value::Null]);
    }
}

/// The rows of a group that stand apart.
#[derive(Default)]
pub(super) struct Rows {
    undecided: Vec<Undecided>,
    receipts: Vec<Receipt>,
    open_holds: Vec<OpenHold>,
    /// Receipts and holds that may have a row already.
    amended: Vec<Receipt>,
    moved: Vec<OpenHold>,
    decided: Vec<(EnterpriseId, AuthId)>,
    ended: Vec<(EnterpriseId, AuthId)>,
}

impl Rows {
    /// Adds those of a new authorisation.
    pub(super) fn add_new(&mut self, it: &Authorisation, receipt: &str) {
        let (enterprise_id, auth_id, body) = (it.enterprise_id, it.auth_id, pack(receipt));
        match Standing::of(it) {
            Standing { is_undecided: true, .. } => {
                self.undecided.push(Undecided { enterprise_id, auth_id, body });
            }
            Standing { expires_at, .. } => {
                self.receipts.push(Receipt { enterprise_id, auth_id, body });
                let open = expires_at.map(|at| OpenHold { enterprise_id, auth_id, expires_at: at });
                self.open_holds.extend(open);
            }
        }
    }

    /// Adds those of an authorisation that stood otherwise before, and its receipt if it changed.
    pub(super) fn add_changed(
        &mut self,
        it: &Authorisation,
        before: Standing,
        receipt: Option<&str>,
    ) {
        let (enterprise_id, auth_id) = (it.enterprise_id, it.auth_id);
        let after = Standing::of(it);
        if after.is_undecided {
            return;
        }
        if let Some(text) = receipt {
            let receipts = if before.is_undecided { &mut self.receipts } else { &mut self.amended };
            receipts.push(Receipt { enterprise_id, auth_id, body: pack(text) });
        }
        if before.is_undecided {
            self.decided.push((enterprise_id, auth_id));
        }
        match after.expires_at {
            Some(expires_at) if before.expires_at != Some(expires_at) => {
                let open = OpenHold { enterprise_id, auth_id, expires_at };
                let is_first = before.is_undecided;
                let rows = if is_first { &mut self.open_holds } else { &mut self.moved };
                rows.push(open);
            }
            None if before.expires_at.is_some() => self.ended.push((enterprise_id, auth_id)),
            _ => {}
        }
    }

    /// Writes them.
    pub(super) async fn post(self, tx: &Tx) -> Result<(), StoreError> {
        tx.post_all(&self.undecided).await?;
        tx.post_all(&self.receipts).await?;
        tx.post_all(&self.open_holds).await?;
        for receipt in &self.amended {
            tx.post_put(receipt).await?;
        }
        for hold in &self.moved {
            tx.post_put(hold).await?;
        }
        for (sql, keys) in [(NO_LONGER_UNDECIDED, self.decided), (NO_LONGER_OPEN, self.ended)] {
            for (enterprise_id, auth_id) in keys {
                tx.post(sql, [enterprise_id.into(), auth_id.into()]).await?;
            }
        }
        Ok(())
    }
}

const NO_LONGER_UNDECIDED: &str = "DELETE FROM undecided WHERE enterprise_id = $1 AND auth_id = $2";
const NO_LONGER_OPEN: &str = "DELETE FROM open_hold WHERE enterprise_id = $1 AND auth_id = $2";
