-- Nothing is read beside an embedded store (src/aside.rs).
SELECT 1;
