<?php
// License: GPL-3.0-or-later, see LICENSE.
namespace FreePBX\modules\Informativa;

/**
 * The notice as a destination: after a menu, say. A row is `['id', 'description', 'line', 'dest']`.
 *
 * The line is as in Routes; `dest` is where the call goes on, as `ext-queues,600,1`.
 */
class Entries
{
    const CONTEXT = 'informativa-entries';

    private $database;

    public function __construct($database)
    {
        $this->database = $database;
    }

    /** @return array[] */
    public function all()
    {
        return $this->rows('SELECT id, description, line, dest FROM informativa_entries ORDER BY description, id');
    }

    /** @return array|null */
    public function get($id)
    {
        $rows = $this->rows('SELECT id, description, line, dest FROM informativa_entries WHERE id = ?', [(int) $id]);
        return $rows ? $rows[0] : null;
    }

    public function add($description, $line, $dest)
    {
        $this->rows('INSERT INTO informativa_entries (description, line, dest) VALUES (?, ?, ?)', [
            self::words($description),
            Routes::line($line),
            self::place($dest),
        ]);
    }

    /** Change one, or lay it down under its old number, as a restored backup does. */
    public function put($id, $description, $line, $dest)
    {
        $this->rows('REPLACE INTO informativa_entries (id, description, line, dest) VALUES (?, ?, ?, ?)', [
            (int) $id,
            self::words($description),
            Routes::line($line),
            self::place($dest),
        ]);
    }

    public function delete($id)
    {
        $this->rows('DELETE FROM informativa_entries WHERE id = ?', [(int) $id]);
    }

    /** Another module's destination got another name; one that cannot be a destination changes nothing. */
    public function move($old, $new)
    {
        if (self::place($new) !== '') {
            $this->rows('UPDATE informativa_entries SET dest = ? WHERE dest = ?', [$new, $old]);
        }
    }

    /** What FreePBX calls an entry among all destinations. */
    public static function destination($id)
    {
        return self::CONTEXT . ',' . (int) $id . ',1';
    }

    /** The number of the entry that a destination names, or null where it is another module's. */
    public static function id($destination)
    {
        $parts = explode(',', trim((string) $destination));
        return $parts[0] === self::CONTEXT && isset($parts[1]) ? (int) $parts[1] : null;
    }

    private static function words($text)
    {
        return substr(trim(preg_replace('/[\x00-\x1f]/', ' ', (string) $text)), 0, 50);
    }

    /**
     * The destination as it can be kept, or ''. It is three words, none of which could end a line or an application; and
     * no entry, lest calls go round.
     */
    public static function place($text)
    {
        return self::id($text) === null && preg_match('/^[^\s,;()]+,[^\s,;()]+,[^\s,;()]+$/', (string) $text) ? (string) $text : '';
    }

    private function rows($sql, array $values = [])
    {
        $statement = $this->database->prepare($sql);
        $statement->execute($values);
        return $statement->columnCount() ? $statement->fetchAll(\PDO::FETCH_ASSOC) : [];
    }
}
