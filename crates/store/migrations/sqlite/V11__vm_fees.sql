-- What the operator charges an app for: least fees in minor units of US dollars, shares in
-- hundredths of a percent.
ALTER TABLE vm_app ADD COLUMN opening_fee_minor INTEGER NOT NULL DEFAULT 0;
ALTER TABLE vm_app ADD COLUMN authorisation_fee_basis_points INTEGER NOT NULL DEFAULT 0;
ALTER TABLE vm_app ADD COLUMN authorisation_fee_least_minor INTEGER NOT NULL DEFAULT 0;
ALTER TABLE vm_app ADD COLUMN decline_fee_basis_points INTEGER NOT NULL DEFAULT 0;
ALTER TABLE vm_app ADD COLUMN decline_fee_least_minor INTEGER NOT NULL DEFAULT 0;
ALTER TABLE vm_app ADD COLUMN cross_border_fee_basis_points INTEGER NOT NULL DEFAULT 0;
ALTER TABLE vm_app ADD COLUMN cross_border_fee_least_minor INTEGER NOT NULL DEFAULT 0;
