//! The notices and webhooks that the enterprise received.

use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::HeaderMap;
use serde_json::Value;
use tokio::sync::watch;
use wire::cardbridge::authorisation_notice::NoticeData;

/// Most webhooks and notices that are kept; later ones are only counted.
const MAX_KEPT: usize = 100_000;

/// A notice that was verified, opened and compared with its clear copy.
#[derive(Debug, Clone)]
pub struct Notice {
    /// Deduplication key.
    pub webhook_id: String,
    /// The question.
    pub data: NoticeData,
    /// The exact body.
    pub body: Bytes,
}

/// A webhook as it arrived.
#[derive(Debug, Clone)]
pub struct Webhook {
    /// Headers, including `X-Signature` and those of Standard Webhooks.
    pub headers: HeaderMap,
    /// The exact body.
    pub body: Bytes,
    /// The body as JSON; null if it is not JSON.
    pub json: Value,
    /// True if `X-Signature` matches the body.
    pub is_signed: bool,
}

impl Webhook {
    /// A text of the body by JSON pointer; empty if it is missing or not a text.
    #[must_use]
    pub fn text(&self, pointer: &str) -> &str {
        self.json.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    /// Deduplication key.
    #[must_use]
    pub fn webhook_id(&self) -> &str {
        self.text("/webhookId")
    }

    /// Its type.
    #[must_use]
    pub fn webhook_type(&self) -> &str {
        self.text("/webhookType")
    }

    /// The id of the object it is about.
    #[must_use]
    pub fn business_id(&self) -> &str {
        self.text("/businessId")
    }
}

#[derive(Default)]
struct Kept {
    notices: Vec<Notice>,
    notice_count: usize,
    webhooks: Vec<Webhook>,
    webhook_count: usize,
}

/// Notices and webhooks in order of arrival.
pub(crate) struct Record {
    kept: Mutex<Kept>,
    arrived: watch::Sender<usize>,
}

impl Record {
    pub(crate) fn new() -> Self {
        Self { kept: Mutex::default(), arrived: watch::channel(0).0 }
    }

    pub(crate) fn add_notice(&self, notice: Notice) {
        let mut kept = self.kept();
        kept.notice_count += 1;
        if kept.notices.len() < MAX_KEPT {
            kept.notices.push(notice);
        }
    }

    pub(crate) fn add_webhook(&self, webhook: Webhook) {
        let count = {
            let mut kept = self.kept();
            kept.webhook_count += 1;
            if kept.webhooks.len() < MAX_KEPT {
                kept.webhooks.push(webhook);
            }
            kept.webhook_count
        };
        self.arrived.send_replace(count);
    }

    pub(crate) fn notices(&self) -> Vec<Notice> {
        self.kept().notices.clone()
    }

    pub(crate) fn notice_count(&self) -> usize {
        self.kept().notice_count
    }

    pub(crate) fn webhooks(&self) -> Vec<Webhook> {
        self.kept().webhooks.clone()
    }

    pub(crate) fn webhook_count(&self) -> usize {
        self.kept().webhook_count
    }

    pub(crate) fn search<T>(&self, find: &mut impl FnMut(&[Webhook]) -> Option<T>) -> Option<T> {
        find(&self.kept().webhooks)
    }

    pub(crate) fn arrived(&self) -> watch::Receiver<usize> {
        self.arrived.subscribe()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
