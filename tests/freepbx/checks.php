<?php
/**
 * What the module's own tests have in common. One of them is a run: `php routes.php test_name`. Each has a sentence that
 * says what it shows. Nothing is printed where it holds.
 */
require __DIR__ . '/standins.php';

use FreePBX\modules\Informativa\Program;

function same($wanted, $got)
{
    if ($wanted !== $got) {
        throw new Exception('wanted ' . var_export($wanted, true) . "\ngot " . var_export($got, true));
    }
}

function holds($text, ...$parts)
{
    foreach ($parts as $part) {
        if (strpos($text, $part) === false) {
            throw new Exception("$part is not in:\n$text");
        }
    }
}

/** A page of an inbound route is sent, with these values. */
function send(array $request)
{
    FreePBX::Core()->doConfigPageInit($request);
}

const YES = ['informativa_notice' => 'did', 'informativa_line' => '', 'informativa_recording' => 'told'];

/** A program that says what it was told to, in place of informativa. */
function program($script, $patience = 20)
{
    $file = tempnam(sys_get_temp_dir(), 'informativa');
    file_put_contents($file, "#!/bin/sh\n$script\n");
    chmod($file, 0755);
    register_shutdown_function('unlink', $file);
    return new Program(posix_getpwuid(posix_geteuid())['name'], [$file], '/etc/informativa/informativa.yaml', $patience);
}
