-- A dialplan in a database (realtime): the table as Asterisk's documentation has it, and the rows of a trunk with
-- the notice first. In extconfig.conf stands which database it is, `extensions => DRIVER,DATABASE,extensions`,
-- and in extensions.conf that a context is looked up there; informativa.conf stays a file:
--
--     [from-trunk]
--     switch => Realtime/from-trunk@extensions
--
--     #tryinclude informativa.conf
CREATE TABLE extensions (
    id INTEGER PRIMARY KEY,
    context VARCHAR(40) NOT NULL,
    exten VARCHAR(40) NOT NULL,
    priority INTEGER NOT NULL,
    app VARCHAR(40) NOT NULL,
    appdata VARCHAR(256) NOT NULL,
    UNIQUE (context, exten, priority)
);
INSERT INTO extensions (context, exten, priority, app, appdata) VALUES
    ('from-trunk', '_[+0-9].', 1, 'GosubIf', '$[${DIALPLAN_EXISTS(informativa,s,1)}]?informativa,s,1(${EXTEN})'),
    ('from-trunk', '_[+0-9].', 2, 'NoOp', 'notice: ${INFORMATIVA_STATUS} ${INFORMATIVA_REASON}'),
    ('from-trunk', '_[+0-9].', 3, 'Queue', 'customer-care'),
    ('from-trunk', '_[+0-9].', 4, 'Hangup', ''),
    ('from-trunk', 'h', 1, 'NoOp', 'notice: ${INFORMATIVA_STATUS} ${INFORMATIVA_REASON} ${INFORMATIVA_RECORD}');
