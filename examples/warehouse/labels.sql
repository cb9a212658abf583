-- Half of the loans have run long enough.
UPDATE scores SET defaulted = (score > 0.7) <> (application % 10 = 0), updated_at = now() WHERE application <= 500;
