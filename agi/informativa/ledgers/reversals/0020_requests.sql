-- Empty, or the reversal is refused.
DROP INDEX request_steps;
DROP TABLE request_step;
DROP TABLE request;
