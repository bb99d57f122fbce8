<?php
// The dialplan of a FreePBX that is told on standard input, as JSON: `incoming`, `recordings`, `routes`, `entries`.
require __DIR__ . '/standins.php';
$told = json_decode(stream_get_contents(STDIN), true);
$pbx = freepbx();
foreach ($told['incoming'] as $route) {
    incoming($route['extension'], $route['cidnum'] ?? '', $route);
}
foreach ($told['routes'] ?? [] as $route) {
    $saved = $pbx->Core->getDID($route['extension'], $route['cidnum'] ?? '');
    $pbx->Core->editDID($saved['extension'], $saved['cidnum'], $route + $saved);
}
foreach ($told['entries'] ?? [] as $entry) {
    $pbx->Informativa->entries()->add($entry['description'], $entry['line'], $entry['dest']);
}
echo dialplan($told['recordings'] ?? [])->generateConf();
