-- A table of predictions as a service of a bank writes it, and the rows that the
-- model was trained with. Labels are filled in by an UPDATE, weeks later.
CREATE TABLE training (
    application  bigint PRIMARY KEY,
    income       double precision,
    postcode     text,
    score        double precision,
    defaulted    boolean
);
CREATE TABLE scores (
    application  bigint PRIMARY KEY,
    asked_at     timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    model_version text NOT NULL,
    income       double precision,
    postcode     text,
    score        double precision,
    defaulted    boolean          -- NULL until it is known
);
CREATE INDEX ON scores (updated_at, application);

INSERT INTO training
SELECT i, 20000 + (i * 7919) % 60000, '0' || (2100 + i % 40), ((i * 7919) % 1000) / 1000.0, ((i * 7919) % 1000) > 700
FROM generate_series(1, 2000) i;

-- Incomes are higher than those of the training.
INSERT INTO scores
SELECT i, date_trunc('hour', now()) - interval '2 hours' + i * interval '1 second', now(), 'v1',
       45000 + (i * 7919) % 60000, '0' || (2100 + i % 40), ((i * 7919) % 1000) / 1000.0, NULL
FROM generate_series(1, 1000) i;
