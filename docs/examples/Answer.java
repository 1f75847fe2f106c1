// Answers authorisation notices and takes webhooks: the JDK (17 or newer), nothing else.
//
// PORT=9000 PLATFORM_PUBLIC_KEY=... PRIVATE_KEY_FILE=enterprise.pem SECRET_KEY=... java Answer.java
import com.sun.net.httpserver.*;
import java.nio.file.*;
import java.security.*; import java.security.spec.*;
import java.util.*; import javax.crypto.*;
import static java.nio.charset.StandardCharsets.UTF_8;

public class Answer {
    static PublicKey platform;
    static PrivateKey own;
    // A JSON library is better at this; here only plain texts and numbers are looked for.
    static String field(String json, String name) {
        var found = java.util.regex.Pattern.compile("\"" + name + "\"\\s*:\\s*\"?([^\",}]*)").matcher(json);
        if (!found.find()) throw new IllegalArgumentException(name + " is missing");
        return found.group(1);
    }
    // 00 = yes, 01 = not enough money, 11 = not allowed, 21 = cannot say.
    static String decide(String data) {
        return Double.parseDouble(field(data, "amount")) <= 500 ? "00" : "01";
    }
    static String answer(String body, Headers headers) throws Exception {
        String data = body.substring(body.indexOf("\"data\"")), text = field(data, "encryptedData");
        Signature rsa = Signature.getInstance("SHA256withRSA");
        rsa.initVerify(platform);
        rsa.update(text.getBytes(UTF_8));
        if (!rsa.verify(Base64.getDecoder().decode(headers.getFirst("X-Auth-Signature"))))
            throw new SignatureException("X-Auth-Signature does not verify");
        Cipher cipher = Cipher.getInstance("RSA/ECB/PKCS1Padding");
        cipher.init(Cipher.DECRYPT_MODE, own);
        String signed = new String(cipher.doFinal(Base64.getDecoder().decode(text)), UTF_8);
        // Only these four are signed: what stands beside them in clear must be the same.
        for (String name : List.of("authId", "direction", "currency", "amount"))
            if (!field(signed, name).equals(field(data, name))) throw new SignatureException(name + " differs");
        String reply = "{\"authId\":\"%s\",\"responseCode\":\"%s\"}".formatted(field(data, "authId"), decide(data));
        cipher.init(Cipher.ENCRYPT_MODE, platform);
        text = Base64.getEncoder().encodeToString(cipher.doFinal(reply.getBytes(UTF_8)));
        rsa.initSign(own);
        rsa.update(text.getBytes(UTF_8));
        String signature = Base64.getEncoder().encodeToString(rsa.sign());
        return "{\"signature\":\"%s\",\"encryptData\":\"%s\"}".formatted(signature, text);
    }
    static String webhook(String body, Headers headers) throws Exception {
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new javax.crypto.spec.SecretKeySpec(System.getenv("SECRET_KEY").getBytes(UTF_8), "HmacSHA256"));
        if (!MessageDigest.isEqual(mac.doFinal(body.getBytes(UTF_8)), HexFormat.of().parseHex(headers.getFirst("X-Signature"))))
            throw new SignatureException("X-Signature is not that of this body");
        System.out.println("webhook " + field(body, "webhookType"));
        return "{}";
    }
    static void handle(HttpExchange exchange) throws java.io.IOException {
        String body = new String(exchange.getRequestBody().readAllBytes(), UTF_8), reply;
        int status = 200;
        try {
            boolean isNotice = exchange.getRequestURI().getPath().equals("/auth");
            reply = isNotice ? answer(body, exchange.getRequestHeaders()) : webhook(body, exchange.getRequestHeaders());
        } catch (Exception error) {
            reply = error.toString();
            status = 400;
        }
        exchange.sendResponseHeaders(status, reply.getBytes(UTF_8).length);
        exchange.getResponseBody().write(reply.getBytes(UTF_8));
        exchange.close();
    }
    public static void main(String[] arguments) throws Exception {
        var keys = KeyFactory.getInstance("RSA");
        platform = keys.generatePublic(new X509EncodedKeySpec(Base64.getDecoder().decode(System.getenv("PLATFORM_PUBLIC_KEY"))));
        String pem = Files.readString(Path.of(System.getenv("PRIVATE_KEY_FILE"))).replaceAll("-----[^-]*-----", "");
        own = keys.generatePrivate(new PKCS8EncodedKeySpec(Base64.getMimeDecoder().decode(pem)));
        int port = Integer.parseInt(System.getenv().getOrDefault("PORT", "9000"));
        HttpServer server = HttpServer.create(new java.net.InetSocketAddress("127.0.0.1", port), 0);
        server.createContext("/", Answer::handle);
        server.setExecutor(java.util.concurrent.Executors.newCachedThreadPool());
        server.start();
        System.out.println("answering on port " + server.getAddress().getPort());
    }
}
