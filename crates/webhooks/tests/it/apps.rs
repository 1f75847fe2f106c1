//! Webhooks to apps of dialect 2 (vm-api.md section 10.3).

use std::sync::Arc;
use std::time::Duration;

use domain::{
    DeliveryStatus, EnterpriseId, UrlUse, VmApp, VmAppId, WebhookEvent, WebhookId, WebhookSubType,
    WebhookType,
};
use store::{DeliveryView, VmAppPatch};
use wire::cardbridge::standard_webhooks;

use crate::bed::Bed;
use crate::receiver::Receiver;

const OK: &str = r#"{"code":0,"msg":"ok"}"#;
const BODY: &[u8] = br#"{"auth_id":"1","type":"Authorization"}"#;
const CODE: &str = "045000";

/// An enterprise without a URL, and its app.
async fn app(bed: &Bed, url: Option<&str>) -> VmApp {
    let enterprise_id = bed.add_enterprise(None).await;
    let number = bed.store.ids().next();
    let of = UrlUse::AppWebhook(VmAppId::from_i64(number));
    let app = VmApp {
        enterprise_id,
        vm_app_id: VmAppId::from_i64(number),
        app_id: format!("app-{number}"),
        secret_digest: [1; 32],
        merchant_public_key: None,
        webhook_url: url.map(|url| bed.vault.seal_url(enterprise_id, of, url)),
        signs_webhooks: false,
        ip_whitelist: Vec::new(),
        fees: domain::VmFees::NONE,
        created_at: bed.store.clock().now(),
    };
    bed.store.create_vm_app(app.clone(), Vec::new(), Vec::new()).await.unwrap();
    app
}

async fn set_url(bed: &Bed, app: &VmApp, url: &str) {
    let url = bed.vault.seal_url(app.enterprise_id, UrlUse::AppWebhook(app.vm_app_id), url);
    let patch = VmAppPatch { webhook_url: Some(Some(url)), ..VmAppPatch::default() };
    bed.store.patch_vm_app(&app.app_id, patch).await.unwrap().unwrap();
}

async fn tell(bed: &Bed, app: &VmApp, kind: WebhookType, business_id: i64) -> WebhookId {
    let webhook_id = WebhookId::from_i64(bed.store.ids().next());
    let is_sealed = kind == WebhookType::VmCard3ds;
    let sealed = || bed.vault.seal_challenge_notice(app.enterprise_id, webhook_id, CODE.as_bytes());
    let event = WebhookEvent {
        enterprise_id: app.enterprise_id,
        vm_app_id: Some(app.vm_app_id),
        webhook_id,
        webhook_type: kind,
        sub_type: WebhookSubType::Create,
        business_id,
        body: if is_sealed { sealed() } else { BODY.to_vec() },
        created_at: bed.store.clock().now(),
    };
    let number = bed.store.ids().next();
    bed.place_telling(app.enterprise_id, number, Arc::new(move |_| event.clone())).await;
    webhook_id
}

async fn transaction(bed: &Bed, app: &VmApp, business_id: i64) -> WebhookId {
    tell(bed, app, WebhookType::VmTransaction, business_id).await
}

async fn view(bed: &Bed, webhook_id: WebhookId) -> DeliveryView {
    bed.store.delivery(webhook_id).await.unwrap().unwrap()
}

#[tokio::test]
async fn only_code_0_with_a_good_status_acknowledges_and_no_try_follows() {
    let bed = Bed::new().await;
    let answers = [(200, r#"{"code":"0"}"#), (200, ""), (500, OK), (201, OK)];
    let receiver = Receiver::saying(&answers).await;
    let app = app(&bed, Some(&receiver.url)).await;
    let id = transaction(&bed, &app, 1).await;
    for (seconds, requests) in [(0, 1), (9, 1), (2, 2), (58, 2), (3, 3), (297, 3), (5, 4)] {
        bed.schedule.advance(seconds).await.unwrap();
        assert_eq!(receiver.seen().len(), requests, "after {seconds} s more");
    }
    bed.schedule.advance(10_000).await.unwrap();
    let seen = receiver.seen();
    assert_eq!(seen.len(), 4);
    for request in &seen {
        assert_eq!(&request.body[..], BODY);
        assert_eq!(request.header("content-type"), "application/json");
        for name in ["x-signature", "webhook-id", "webhook-signature", "webhook-timestamp"] {
            assert!(!request.headers.contains_key(name), "{name}");
        }
    }
    let viewed = view(&bed, id).await;
    assert_eq!(viewed.status, DeliveryStatus::Delivered);
    let refusals: Vec<_> = viewed.attempts.iter().map(|it| it.refusal.as_deref()).collect();
    let expected = [
        Some("\"code\" is a text; the number 0 acknowledges"),
        Some("the answer is empty; {\"code\":0} acknowledges"),
        Some("the status is 500; a 2xx with \"code\" 0 acknowledges"),
        None,
    ];
    assert_eq!(refusals, expected);
    assert!(bed.store.resend_delivery(id, bed.store.clock().now()).await.unwrap().is_none());
}

#[tokio::test]
async fn four_failures_park_a_notice_that_is_resent_by_hand() {
    let bed = Bed::new().await;
    let receiver =
        Receiver::saying(&[(404, OK), (400, ""), (413, ""), (200, "{}"), (200, OK)]).await;
    let app = app(&bed, Some(&receiver.url)).await;
    let id = transaction(&bed, &app, 1).await;
    bed.schedule.advance(10_000).await.unwrap();
    assert_eq!((view(&bed, id).await.status, receiver.seen().len()), (DeliveryStatus::Dead, 4));
    assert!(bed.store.resend_delivery(id, bed.store.clock().now()).await.unwrap().is_some());
    bed.schedule.advance(0).await.unwrap();
    assert_eq!(view(&bed, id).await.status, DeliveryStatus::Delivered);
    assert!(receiver.seen().iter().all(|it| &it.body[..] == BODY));
}

#[tokio::test]
async fn a_receiver_that_hangs_delays_nobody_else_and_gets_the_same_bytes_once_more() {
    let mut bed = Bed::new().await;
    let hanging = Receiver::saying(&[(200, OK), (200, OK)]).await;
    hanging.hang(&[Duration::from_secs(120), Duration::from_secs(6)]);
    let quick = Receiver::saying(&[(200, OK)]).await;
    let slow_app = app(&bed, Some(&hanging.url)).await;
    let quick_app = app(&bed, Some(&quick.url)).await;
    let slow_id = transaction(&bed, &slow_app, 1).await;
    bed.run();
    hanging.wait_for(1).await;
    transaction(&bed, &quick_app, 1).await;
    quick.wait_for(1).await;
    assert!(view(&bed, slow_id).await.attempts.is_empty(), "the quick one waited for the slow one");
    while view(&bed, slow_id).await.attempts.is_empty() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let first = view(&bed, slow_id).await.attempts[0].clone();
    assert!((10_000..120_000).contains(&first.latency_ms), "{first:?}");
    assert_eq!(first.status, None);
    bed.schedule.advance(10).await.unwrap();
    bed.schedule.advance(1_000).await.unwrap();
    bed.stop().await;
    // Six seconds is within an app's time limit.
    assert_eq!(view(&bed, slow_id).await.status, DeliveryStatus::Delivered);
    let bodies: Vec<_> = hanging.seen().iter().map(|it| it.body.clone()).collect();
    assert_eq!(bodies, [BODY, BODY]);
}

#[tokio::test]
async fn without_a_url_notices_are_kept_and_hold_back_nobody() {
    let mut bed = Bed::new().await;
    let silent = app(&bed, None).await;
    let id = transaction(&bed, &silent, 1).await;
    let own = Receiver::saying(&[(200, ""), (200, "")]).await;
    bed.set_url(silent.enterprise_id, &own.url).await;
    bed.add_key(silent.enterprise_id).await;
    let order = bed.place(silent.enterprise_id).await;
    bed.schedule.advance(86_400).await.unwrap();
    assert_eq!(own.seen().len(), 1, "the enterprise receives only its own order's webhook");
    assert_eq!(bed.deliveries(&order).await[0].status, DeliveryStatus::Delivered);
    assert!(view(&bed, id).await.attempts.is_empty());
    bed.run();
    let receiver = Receiver::saying(&[(200, OK)]).await;
    set_url(&bed, &silent, &receiver.url).await;
    receiver.wait_for(1).await;
    bed.stop().await;
    assert_eq!(view(&bed, id).await.status, DeliveryStatus::Delivered);
}

#[tokio::test]
async fn notices_of_one_authorisation_go_in_order() {
    let bed = Bed::new().await;
    let receiver = Receiver::saying(&[(200, "no"), (200, OK), (200, OK), (200, OK)]).await;
    let app = app(&bed, Some(&receiver.url)).await;
    let first = transaction(&bed, &app, 1).await;
    let second = transaction(&bed, &app, 1).await;
    let other = transaction(&bed, &app, 2).await;
    bed.schedule.advance(0).await.unwrap();
    assert!(view(&bed, second).await.attempts.is_empty());
    assert_eq!(view(&bed, other).await.attempts.len(), 1);
    bed.schedule.advance(11).await.unwrap();
    for id in [first, second, other] {
        assert_eq!(view(&bed, id).await.status, DeliveryStatus::Delivered);
    }
}

#[tokio::test]
async fn an_app_that_wants_it_gets_a_signature_under_its_own_secret() {
    let bed = Bed::new().await;
    let receiver = Receiver::saying(&[(200, OK)]).await;
    let app = app(&bed, Some(&receiver.url)).await;
    let patch = VmAppPatch { signs_webhooks: Some(true), ..VmAppPatch::default() };
    bed.store.patch_vm_app(&app.app_id, patch).await.unwrap().unwrap();
    transaction(&bed, &app, 1).await;
    bed.schedule.advance(0).await.unwrap();
    let request = receiver.seen().remove(0);
    let secret = bed.vault.vm_webhook_secret(app.enterprise_id, app.vm_app_id);
    let verified = standard_webhooks::verify(
        secret.expose(),
        request.header("webhook-id"),
        request.header("webhook-timestamp"),
        request.header("webhook-signature"),
        &request.body,
        bed.store.clock().real_now().as_millis() / 1_000,
    );
    assert_eq!(verified, Ok(()));
    assert!(!request.headers.contains_key("x-signature"));
}

#[tokio::test]
async fn a_3ds_notice_is_stored_sealed_and_wiped_once_acknowledged_or_parked() {
    let bed = Bed::new().await;
    let echo = format!("got {CODE}");
    let good = Receiver::saying(&[(200, &echo), (200, OK)]).await;
    let bad = Receiver::saying(&[(500, echo.as_str()); 4]).await;
    for (receiver, expected) in [(good, DeliveryStatus::Delivered), (bad, DeliveryStatus::Dead)] {
        let app = app(&bed, Some(&receiver.url)).await;
        let id = tell(&bed, &app, WebhookType::VmCard3ds, 1).await;
        bed.schedule.advance(0).await.unwrap();
        let stored = view(&bed, id).await;
        assert!(!stored.event.body.is_empty());
        assert!(!String::from_utf8_lossy(&stored.event.body).contains(CODE));
        bed.schedule.advance(1_000).await.unwrap();
        let after = view(&bed, id).await;
        assert_eq!((after.status, after.event.body.len()), (expected, 0));
        assert!(after.attempts.iter().all(|it| !it.excerpt.contains(CODE)), "{after:?}");
        assert!(receiver.seen().len() > 1);
        assert!(receiver.seen().iter().all(|it| it.body == CODE));
        assert!(bed.store.resend_delivery(id, bed.store.clock().now()).await.unwrap().is_none());
    }
}

#[tokio::test]
async fn a_3ds_notice_of_another_enterprises_seal_is_never_sent() {
    let bed = Bed::new().await;
    let receiver = Receiver::saying(&[]).await;
    let app = app(&bed, Some(&receiver.url)).await;
    let mut foreign = app.clone();
    foreign.enterprise_id = EnterpriseId::from_i64(app.enterprise_id.as_i64() + 1);
    let id = WebhookId::from_i64(bed.store.ids().next());
    let event = WebhookEvent {
        enterprise_id: app.enterprise_id,
        vm_app_id: Some(app.vm_app_id),
        webhook_id: id,
        webhook_type: WebhookType::VmCard3ds,
        sub_type: WebhookSubType::Create,
        business_id: 1,
        body: bed.vault.seal_challenge_notice(foreign.enterprise_id, id, CODE.as_bytes()),
        created_at: bed.store.clock().now(),
    };
    let number = bed.store.ids().next();
    bed.place_telling(app.enterprise_id, number, Arc::new(move |_| event.clone())).await;
    bed.schedule.advance(1_000).await.unwrap();
    let parked = view(&bed, id).await;
    assert_eq!((parked.status, parked.attempts.len()), (DeliveryStatus::Dead, 4));
    assert!(receiver.seen().is_empty());
}
