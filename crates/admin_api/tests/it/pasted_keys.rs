//! Public keys as people paste them, of both dialects: taken if their meaning is certain, otherwise
//! refused by the name of what they are.

use crypto::RsaPrivateKey;
use serde_json::json;
use testkit::both_engines;
use testkit::signing::{Caller, text};

both_engines!(a_pasted_key_is_taken_or_told_by_its_name, |platform| {
    let caller = Caller::new(platform).await;
    let enterprise = format!("/admin/v1/enterprises/{}", caller.enterprise_id);
    let made = platform.done(&format!("{enterprise}/vm-apps"), json!({})).await;
    let app = format!("/admin/v1/vm-apps/{}", text(&made["appId"]));
    let key = RsaPrivateKey::generate(2_048).unwrap();
    let (pem, base64) = (key.public_key().to_pem(), key.public_key().to_base64());
    let private = base64::Engine::encode(
        &base64::engine::general_purpose::STANDARD,
        &*key.to_pkcs8_der().unwrap(),
    );
    let certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----";
    for (path, name) in [(&enterprise, "externalPublicKey"), (&app, "merchantPublicKey")] {
        for taken in [
            pem.replace('\n', "\\n"),
            format!("writing RSA key\n{pem}"),
            format!("\u{feff}{pem}\r\n\r\n"),
            base64.trim_end_matches('=').replace('+', "-").replace('/', "_"),
        ] {
            let cleared = platform.admin_patch(path, &json!({ name: null })).await.json();
            assert_eq!(cleared[name], json!(null));
            let answer = platform.admin_patch(path, &json!({ name: taken })).await;
            assert_eq!(answer.status, 200, "{name}: {taken}");
            let kept = text(&answer.json()[name]);
            assert!(kept == pem || kept == base64, "{name}: {kept}");
        }
        let before = platform.admin_get(path).await.json();
        for (refused, told) in [
            (private.as_str(), "private key"),
            (
                &format!("-----BEGIN PRIVATE KEY-----\n{private}\n-----END PRIVATE KEY-----"),
                "private",
            ),
            (certificate, "openssl x509"),
            ("ssh-rsa AAAAB3NzaC1yc2E= me", "ssh-keygen"),
            (r#"{"kty":"RSA"}"#, "JWK"),
            (&pem[..300], "cut"),
            (&base64[..200], "whole public key"),
            ("the key of the shop", "neither PEM nor base64"),
        ] {
            let answer = platform.admin_patch(path, &json!({ name: refused })).await;
            assert_eq!(answer.status, 422, "{name}: {refused}");
            let detail = text(&answer.json()["detail"]);
            assert!(detail.starts_with(name) && detail.contains(told), "{detail}");
            assert!(!detail.contains(refused), "{detail}");
        }
        assert_eq!(platform.admin_get(path).await.json(), before);
    }
});
