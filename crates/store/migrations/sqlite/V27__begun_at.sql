-- Nothing to change: the embedded store has one process, whose start declines what the one before
-- left undecided.
SELECT 1;
