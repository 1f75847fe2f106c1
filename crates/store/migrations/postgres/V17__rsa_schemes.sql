-- What an enterprise's notices and answers are signed with, beside how they are encrypted.
ALTER TABLE enterprise ADD COLUMN rsa_hash TEXT NOT NULL DEFAULT 'SHA256';
ALTER TABLE enterprise ADD COLUMN rsa_signed_bytes TEXT NOT NULL DEFAULT 'TEXT';
