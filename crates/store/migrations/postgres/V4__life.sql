-- Bills: an authorisation with what increments, completes, reverses and refunds it.
CREATE INDEX authorisation_by_bill ON authorisation (outs_id);
CREATE INDEX posting_by_bill ON posting (outs_id);
