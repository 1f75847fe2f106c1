//! Reading authorisations and postings.

use domain::{AuthId, Authorisation, CardId, EnterpriseId, Posting, Timestamp, TransactionId};

use crate::{Store, StoreError};

/// An authorisation with its decision receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorisationView {
    /// The authorisation.
    pub authorisation: Authorisation,
    /// The receipt: JSON written by `authorise`, free of secrets.
    pub receipt: String,
    /// JSON of an answer that came too late.
    pub late_answer: Option<String>,
}

/// Which authorisations to list.
#[derive(Debug, Clone, Default)]
pub struct AuthorisationFilter {
    /// Only of this card.
    pub card_id: Option<CardId>,
    /// Only of this enterprise.
    pub enterprise_id: Option<EnterpriseId>,
    /// Only those that arrived at or after this moment.
    pub from: Option<Timestamp>,
    /// Only those that arrived before this moment.
    pub to: Option<Timestamp>,
    /// Only after this id.
    pub cursor: Option<AuthId>,
    /// At most this many, at most [`crate::MAX_PAGE_ROWS`].
    pub limit: u32,
}

/// Which postings to list.
#[derive(Debug, Clone, Default)]
pub struct PostingFilter {
    /// Only of this card.
    pub card_id: Option<CardId>,
    /// Only of this enterprise.
    pub enterprise_id: Option<EnterpriseId>,
    /// Only of this authorisation.
    pub auth_id: Option<AuthId>,
    /// Only after this id.
    pub cursor: Option<TransactionId>,
    /// At most this many, at most [`crate::MAX_PAGE_ROWS`].
    pub limit: u32,
}

impl Store {
    /// An authorisation of any enterprise, for operators and the network.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn authorisation(
        &self,
        auth_id: AuthId,
    ) -> Result<Option<AuthorisationView>, StoreError> {
        let _ = auth_id;
        todo!()
    }

    /// Authorisations in order of id, which is order of arrival.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn authorisations(
        &self,
        filter: AuthorisationFilter,
    ) -> Result<Vec<Authorisation>, StoreError> {
        let _ = filter;
        todo!()
    }

    /// Postings in order of id.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn postings(&self, filter: PostingFilter) -> Result<Vec<Posting>, StoreError> {
        let _ = filter;
        todo!()
    }

    /// Authorisations without a decision that arrived before `before`, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn undecided_authorisations(
        &self,
        before: Timestamp,
        limit: u32,
    ) -> Result<Vec<Authorisation>, StoreError> {
        let _ = (before, limit);
        todo!()
    }

    /// When the next open hold expires.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn next_hold_expiry(&self) -> Result<Option<Timestamp>, StoreError> {
        todo!()
    }

    /// Decided authorisations whose open hold expires by `now`, earliest first, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn expired_holds(
        &self,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<Authorisation>, StoreError> {
        let _ = (now, limit);
        todo!()
    }

    /// Keeps an answer that came after the decision; it changes nothing else.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn record_late_answer(
        &self,
        enterprise_id: EnterpriseId,
        auth_id: AuthId,
        late_answer: String,
    ) -> Result<(), StoreError> {
        let _ = (enterprise_id, auth_id, late_answer);
        todo!()
    }
}
