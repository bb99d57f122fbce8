<?php
// License: GPL-3.0-or-later, see LICENSE.
namespace FreePBX\modules\Informativa;

/**
 * informativa's command line, asked for JSON. No shell is between, and nothing that a web page sent is an argument.
 *
 * It runs as Asterisk's user, whose files it must be able to read and must not leave as another's: FreePBX's pages are
 * that user's, and from `fwconsole` as root it is started through runuser.
 */
class Program
{
    /** Where it may be. Not a setting: who may change one could have any program started. */
    const PLACES = ['/usr/bin/informativa', '/opt/informativa/bin/informativa', '/usr/local/bin/informativa'];
    const CONFIG = '/etc/informativa/informativa.yaml';

    /** Seconds that an answer may take. `doctor` takes about one. */
    const PATIENCE = 40;

    private $user;
    private $places;
    private $config;
    private $patience;

    public function __construct($user, array $places = self::PLACES, $config = self::CONFIG, $patience = self::PATIENCE)
    {
        $this->user = $user;
        $this->places = $places;
        $this->config = $config;
        $this->patience = $patience;
    }

    /**
     * @param string[] $words the command, as ['dialplan', 'install', '--dry-run']
     * @return array ['answer' => array|null (its texts are English), 'error' => ''|'absent'|'late'|what it said instead of JSON]
     */
    public function ask(array $words)
    {
        $found = array_values(array_filter($this->places, 'is_executable'));
        if (!$found) {
            return ['answer' => null, 'error' => 'absent'];
        }
        $command = [$found[0], ...$words, '--json', '-c', $this->config];
        if (function_exists('posix_geteuid') && posix_geteuid() === 0) {
            $command = ['/usr/sbin/runuser', '-u', $this->user, '--', ...$command];
        }
        $environment = ['PATH' => '/usr/sbin:/usr/bin:/sbin:/bin', 'LANG' => 'C.UTF-8'];
        $streams = [['file', '/dev/null', 'r'], ['pipe', 'w'], ['pipe', 'w']];
        $process = proc_open($command, $streams, $pipes, '/', $environment);
        if (!is_resource($process)) {
            return ['answer' => null, 'error' => 'absent'];
        }
        $said = $this->read($process, $pipes);
        if ($said === null) {
            return ['answer' => null, 'error' => 'late'];
        }
        $answer = json_decode($said[0], true);
        if (!is_array($answer)) {
            return ['answer' => null, 'error' => trim($said[1]) ?: trim($said[0]) ?: 'absent'];
        }
        // A command that could not do its work says so as JSON, too.
        return ($answer['ok'] ?? true) === false && isset($answer['problems'])
            ? ['answer' => null, 'error' => self::words($answer['problems'])]
            : ['answer' => $answer, 'error' => ''];
    }

    private static function words(array $problems)
    {
        return implode("\n", array_map(function ($one) {
            return implode(': ', array_filter([$one['file'] ?? '', $one['message'] . ' → ' . ($one['remedy'] ?? '')]));
        }, $problems));
    }

    /** @return string[]|null what it printed and what it complained of; null, and it is ended, where it takes too long */
    private function read($process, array $pipes)
    {
        $said = ['', ''];
        $open = [$pipes[1], $pipes[2]];
        $until = microtime(true) + $this->patience;
        array_map(fn($pipe) => stream_set_blocking($pipe, false), $open);
        while ($open) {
            $left = $until - microtime(true);
            $ready = $open;
            $none = null;
            if ($left <= 0 || !stream_select($ready, $none, $none, (int) $left, (int) (1e6 * fmod($left, 1)))) {
                proc_terminate($process, 9);
                array_map('fclose', $open);
                proc_close($process);
                return null;
            }
            foreach ($ready as $pipe) {
                $said[$pipe === $pipes[1] ? 0 : 1] .= fread($pipe, 65536);
                if (feof($pipe)) {
                    fclose($pipe);
                    $open = array_values(array_filter($open, fn($other) => $other !== $pipe));
                }
            }
        }
        proc_close($process);
        return $said;
    }
}
