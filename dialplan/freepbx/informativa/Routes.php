<?php
// License: GPL-3.0-or-later, see LICENSE.
namespace FreePBX\modules\Informativa;

/**
 * Which inbound routes have the notice: a row for each that has, and none for one that has not.
 *
 * A row is `['extension', 'cidnum', 'line', 'recording']`. Extension and cidnum are the route's, as core's table
 * `incoming` has them. The line is '' for the number that was called, and else a number that informativa knows.
 */
class Routes
{
    /** FreePBX's own recording begins where it will, after the notice, or after it and only for who was told. */
    const RECORDINGS = ['route', 'after', 'told'];

    private $database;

    public function __construct($database)
    {
        $this->database = $database;
    }

    /** @return array[] those of routes that are there, with core's `pricid` */
    public function all()
    {
        return $this->rows(
            'SELECT r.extension, r.cidnum, r.line, r.recording, i.pricid FROM informativa_routes r'
            . ' INNER JOIN incoming i ON r.extension = i.extension AND r.cidnum = i.cidnum'
            . ' ORDER BY r.extension, r.cidnum'
        );
    }

    /** @return array|null the row of one route */
    public function get($extension, $cidnum)
    {
        $rows = $this->rows(
            'SELECT extension, cidnum, line, recording FROM informativa_routes WHERE extension = ? AND cidnum = ?',
            [$extension, $cidnum]
        );
        return $rows ? $rows[0] : null;
    }

    /** Give a route the notice, or change how it has it. */
    public function put($extension, $cidnum, $line, $recording)
    {
        $this->rows('REPLACE INTO informativa_routes (extension, cidnum, line, recording) VALUES (?, ?, ?, ?)', [
            $extension,
            $cidnum,
            self::line($line),
            in_array($recording, self::RECORDINGS, true) ? $recording : self::RECORDINGS[0],
        ]);
    }

    /** Take the notice off a route. */
    public function delete($extension, $cidnum)
    {
        $this->rows('DELETE FROM informativa_routes WHERE extension = ? AND cidnum = ?', [$extension, $cidnum]);
    }

    /** A line as the dialplan's FILTER leaves it: nothing else may come into the dialplan. */
    public static function line($text)
    {
        return substr(preg_replace('/[^+0-9A-Za-z.]/', '', (string) $text), 0, 64);
    }

    /** The extension and caller ID that FreePBX has in one, as `0212345678/`. */
    public static function split($id)
    {
        return array_pad(explode('/', (string) $id, 2), 2, '');
    }

    private function rows($sql, array $values = [])
    {
        $statement = $this->database->prepare($sql);
        $statement->execute($values);
        return $statement->columnCount() ? $statement->fetchAll(\PDO::FETCH_ASSOC) : [];
    }
}
