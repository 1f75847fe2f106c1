// Answers authorisation notices and takes webhooks: Node.js, nothing else.
//
// PORT=9000 PLATFORM_PUBLIC_KEY=... PRIVATE_KEY_FILE=enterprise.pem SECRET_KEY=... node answer.mjs
import crypto from "node:crypto";
import fs from "node:fs";
import http from "node:http";

const own = crypto.createPrivateKey(fs.readFileSync(process.env.PRIVATE_KEY_FILE));
const platform = crypto.createPublicKey({
  key: Buffer.from(process.env.PLATFORM_PUBLIC_KEY, "base64"), format: "der", type: "spki",
});
const { RSA_PKCS1_PADDING, RSA_NO_PADDING } = crypto.constants;

// Some versions of Node.js refuse to take PKCS#1 v1.5 padding off. The notice's signature is
// verified before, so nobody learns anything from how this fails.
function decrypt(block) {
  const padded = crypto.privateDecrypt({ key: own, padding: RSA_NO_PADDING }, block);
  const end = padded.indexOf(0, 2);
  if (padded[0] !== 0 || padded[1] !== 2 || end < 10) throw new Error("the padding is wrong");
  return padded.subarray(end + 1);
}

// 00 = yes, 01 = not enough money, 11 = not allowed, 21 = cannot say.
function decide(data) {
  return Number(data.amount) <= 500 ? "00" : "01";
}

function answer(body, headers) {
  const { data } = JSON.parse(body);
  const text = data.encryptedData;
  const signature = Buffer.from(headers["x-auth-signature"], "base64");
  if (!crypto.verify("sha256", Buffer.from(text), platform, signature)) {
    throw new Error("X-Auth-Signature does not verify");
  }
  const signed = JSON.parse(decrypt(Buffer.from(text, "base64")));
  // Only these four are signed: what stands beside them in clear must be the same.
  for (const name of ["authId", "direction", "currency", "amount"]) {
    if (signed[name] !== data[name]) throw new Error(name + " differs from what was signed");
  }
  const reply = JSON.stringify({ authId: data.authId, responseCode: decide(data) });
  const block = crypto.publicEncrypt({ key: platform, padding: RSA_PKCS1_PADDING }, Buffer.from(reply));
  const encryptData = block.toString("base64");
  const own_signature = crypto.sign("sha256", Buffer.from(encryptData), own);
  return JSON.stringify({ signature: own_signature.toString("base64"), encryptData });
}

function webhook(body, headers) {
  const expected = crypto.createHmac("sha256", process.env.SECRET_KEY).update(body).digest();
  const sent = Buffer.from(headers["x-signature"], "hex");
  if (sent.length !== expected.length || !crypto.timingSafeEqual(sent, expected)) {
    throw new Error("X-Signature is not that of this body");
  }
  console.log("webhook", JSON.parse(body).webhookType);
  return "";
}

const server = http.createServer(async (request, response) => {
  try {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const take = request.url === "/auth" ? answer : webhook;
    const reply = take(Buffer.concat(chunks), request.headers);
    response.writeHead(200, { "Content-Type": "application/json" }).end(reply);
  } catch (error) {
    response.writeHead(400).end(error.message);
  }
});
server.listen(Number(process.env.PORT ?? 9000), "127.0.0.1", () => {
  console.log("answering on port", server.address().port);
});
