<?php
// License: GPL-3.0-or-later, see LICENSE.
namespace FreePBX\modules\Informativa;

/**
 * FreePBX's dashboard: one notice for each part of informativa that is not in order, and none for one that is again.
 *
 * What is wrong is an error, what is only to be known a warning; the words are the program's own, with what mends it.
 */
class Notices
{
    const MODULE = 'informativa';
    const PAGE = '?display=informativa';

    private $dashboard;
    private $kept;

    /** @param object $kept remembers by `getConfig` and `setConfig` which notices are up */
    public function __construct($dashboard, $kept)
    {
        $this->dashboard = $dashboard;
        $this->kept = $kept;
    }

    /** Have the program examine itself, and the dialplan, and show what came of it. */
    public function show(Program $program)
    {
        $asked = $program->ask(['doctor']);
        $found = $asked['answer'] === null
            ? ['program' => ['wrong', [self::silence($asked['error'])]]]
            : self::by_check($asked['answer']['findings'] ?? []) + $this->dialplan($program);
        foreach (array_diff($this->shown(), array_keys($found)) as $check) {
            $this->dashboard->delete(self::MODULE, $check);
        }
        foreach ($found as $check => [$state, $lines]) {
            $add = $state === 'wrong' ? 'add_error' : 'add_warning';
            $this->dashboard->delete(self::MODULE, $check); // another state is another kind of notice
            $this->dashboard->$add(
                self::MODULE,
                $check,
                sprintf(\modgettext::_('Privacy notice: %s', self::MODULE), self::plain($check)),
                implode('<br>', array_map([self::class, 'plain'], $lines)),
                self::PAGE
            );
        }
        $this->kept->setConfig('notices', array_keys($found));
    }

    /** Say which inbound routes have the field but could not be given the notice. */
    public function missed(array $routes)
    {
        $this->dashboard->delete(self::MODULE, 'routes');
        if ($routes) {
            $this->dashboard->add_error(
                self::MODULE,
                'routes',
                \modgettext::_('Privacy notice: not on all inbound routes', self::MODULE),
                self::plain(sprintf(\modgettext::_('Callers of these routes hear no notice: %s', self::MODULE), implode(', ', $routes))),
                self::PAGE
            );
        }
    }

    /** Take all of them down. */
    public function clear()
    {
        foreach (array_merge($this->shown(), ['routes']) as $check) {
            $this->dashboard->delete(self::MODULE, $check);
        }
        $this->kept->setConfig('notices', []);
    }

    /** In words, why the program gave no answer. */
    public static function silence($error)
    {
        $words = [
            'absent' => \modgettext::_('informativa is not installed in a place that this module knows, or cannot be started.', self::MODULE),
            'late' => \modgettext::_('informativa gave no answer in time.', self::MODULE),
        ];
        return $words[$error] ?? $error;
    }

    /** Whether Asterisk's files include informativa.conf, as `dialplan install` would have it. */
    private function dialplan(Program $program)
    {
        $asked = $program->ask(['dialplan', 'install', '--freepbx', '--dry-run']);
        $answer = $asked['answer'];
        if ($answer === null) {
            return ['dialplan' => ['wrong', [self::silence($asked['error'])]]];
        }
        if ($answer['included']) {
            return [];
        }
        $line = '#tryinclude informativa.conf';
        $what = sprintf(\modgettext::_('No file includes informativa.conf, so no notice is played. Put at the end of %s this line: %s', self::MODULE), $answer['add_to'], $line);
        return ['dialplan' => ['wrong', [$what]]];
    }

    /** @return array check → its worst state, and a line for each finding */
    private static function by_check(array $findings)
    {
        $found = [];
        foreach ($findings as $one) {
            if (in_array($one['state'], ['wrong', 'warning'], true)) {
                $check = $one['check'];
                $found[$check][0] = ($found[$check][0] ?? '') === 'wrong' ? 'wrong' : $one['state'];
                $found[$check][1][] = $one['finding'] . ($one['fix'] ? ' → ' . $one['fix'] : '');
            }
        }
        return $found;
    }

    private function shown()
    {
        $shown = $this->kept->getConfig('notices');
        return is_array($shown) ? $shown : [];
    }

    private static function plain($text)
    {
        return htmlspecialchars((string) $text, ENT_QUOTES, 'UTF-8');
    }
}
