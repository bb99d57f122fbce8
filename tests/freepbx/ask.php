<?php
// What the module's page and FreePBX's dashboard show of a real informativa: `php ask.php PROGRAM CONFIG`, as JSON.
require __DIR__ . '/standins.php';
$pbx = freepbx();
$user = posix_getpwuid(posix_geteuid())['name'];
$program = new FreePBX\modules\Informativa\Program($user, [$argv[1]], $argv[2]);
(new FreePBX\modules\Informativa\Notices($pbx->Notifications, $pbx->Informativa))->show($program);
$asked = $program->ask(['status']);
echo json_encode([
    'notices' => $pbx->Notifications->shown,
    'error' => $asked['error'],
    'page' => load_view(MODULE . '/views/status.php', ['asked' => $asked, 'console' => '']),
]);
