<?php
/** The module's tests: inbound routes, dialplan, destinations, bulk handler, backup. */
require __DIR__ . '/checks.php';

use FreePBX\modules\Informativa\Dialplan;
use FreePBX\modules\Informativa\Routes;

// -- the field of the inbound route --

/** A new route with the field on yes has a row, and its page shows what was chosen. */
function test_a_route_keeps_its_field()
{
    freepbx();
    send(['action' => 'addIncoming', 'extension' => ' 0212345678 ', 'cidnum' => ''] + YES);
    same([['extension' => '0212345678', 'cidnum' => '', 'line' => '', 'recording' => 'told', 'pricid' => '']], FreePBX::Informativa()->routes()->all());
    $html = informativa_hook_core('0212345678/', 'did');
    holds($html, '<option value="did" selected>Yes</option>', '<option value="told" selected>Only after the notice, and only who was told</option>');
    same('', informativa_hook_core('1', 'routing'));
}

/** A route that gets another number takes its field along; one that is deleted, or set to no, has none any more. */
function test_a_route_changes_and_goes()
{
    $pbx = freepbx();
    $routes = $pbx->Informativa->routes();
    send(['action' => 'addIncoming', 'extension' => '1', 'cidnum' => '2'] + YES);
    send(['action' => 'edtIncoming', 'extdisplay' => '1/2', 'extension' => '3', 'cidnum' => '4'] + YES);
    same([null, 'told'], [$routes->get('1', '2'), $routes->get('3', '4')['recording']]);
    send(['action' => 'edtIncoming', 'extdisplay' => '3/4', 'extension' => '3', 'cidnum' => '4', 'informativa_notice' => 'no']);
    same(null, $routes->get('3', '4'));
    send(['action' => 'addIncoming', 'extension' => '5', 'cidnum' => ''] + YES);
    send(['action' => 'delIncoming', 'extdisplay' => '5/']);
    same(null, $routes->get('5', ''));
}

/** What core refuses to save moves, changes and deletes no notice: a new route or an import with the DID of another, or a
 * route that is to get one. */
function test_what_core_refuses_changes_nothing()
{
    $pbx = freepbx();
    send(['action' => 'addIncoming', 'extension' => '1', 'cidnum' => '', 'informativa_notice' => 'line', 'informativa_line' => '2'] + YES);
    send(['action' => 'addIncoming', 'extension' => '3', 'cidnum' => '4'] + YES);
    $before = $pbx->Informativa->routes()->all();
    $other = ['informativa_notice' => 'no'];
    foreach ([YES, $other] as $fields) {
        send(['action' => 'addIncoming', 'extension' => '1', 'cidnum' => ''] + $fields);
        send(['action' => 'edtIncoming', 'extdisplay' => '3/4', 'extension' => '1', 'cidnum' => ''] + $fields);
        $pbx->Core->bulkhandlerImport('dids', [['extension' => '1', 'cidnum' => ''] + $fields], false);
        same($before, $pbx->Informativa->routes()->all());
    }
}

/** A request without the field, as an API sends it, leaves the route as it was, and takes its notice to another number;
 * a route that is deleted leaves nothing to the next one. */
function test_a_request_without_the_field_changes_nothing()
{
    $routes = freepbx()->Informativa->routes();
    send(['action' => 'addIncoming', 'extension' => '1', 'cidnum' => ''] + YES);
    send(['action' => 'edtIncoming', 'extdisplay' => '1/', 'extension' => '1', 'cidnum' => '']);
    send(['display' => 'did']);
    same('told', $routes->get('1', '')['recording']);
    send(['action' => 'edtIncoming', 'extdisplay' => '1/', 'oldExtension' => '1', 'oldCidnum' => '', 'extension' => '2', 'cidnum' => '']);
    same([null, 'told'], [$routes->get('1', ''), $routes->get('2', '')['recording']]);
    send(['action' => 'delIncoming', 'extdisplay' => '2/']);
    send(['action' => 'addIncoming', 'extension' => '3', 'cidnum' => '']);
    same(null, $routes->get('3', ''));
}

/** What is typed as a line comes into the dialplan as letters, digits, + and dots, and nothing else does. */
function test_nothing_typed_gets_into_the_dialplan()
{
    $pbx = freepbx();
    $typed = '+39 02 123)' . "\n" . ' same => n,System(touch /tmp/x)';
    send(['action' => 'addIncoming', 'extension' => '1', 'cidnum' => '', 'informativa_notice' => 'line', 'informativa_line' => $typed, 'informativa_recording' => 'x']);
    $pbx->Informativa->entries()->add("a\nb", $typed, 'ext-queues,600,1)');
    same(['line' => '+3902123samenSystemtouchtmpx', 'recording' => 'route'], array_slice($pbx->Informativa->routes()->get('1', ''), 2));
    same(['a b', '+3902123samenSystemtouchtmpx', ''], array_slice(array_values($pbx->Informativa->entries()->get(1)), 1));
    holds(dialplan()->generateConf(), 'exten => 1,n,Gosub(informativa-notice,s,1(+3902123samenSystemtouchtmpx))', 'exten => 1,n,Hangup()');
}

/** What an admin wrote is shown as text, on whatever page. */
function test_pages_show_text_as_text()
{
    $pbx = freepbx();
    $pbx->Informativa->entries()->add('<b>"', '', 'a,b,1');
    $entry = $pbx->Informativa->entries()->get(1);
    $html = load_view(MODULE . '/views/entries.php', ['entries' => [$entry]]) . load_view(MODULE . '/views/form.php', ['entry' => $entry]);
    same([false, 2], [strpos($html, '<b>'), substr_count($html, '&lt;b&gt;&quot;')]);
}

/** In Italian the field speaks Italian. */
function test_field_in_italian()
{
    freepbx();
    setlocale(LC_ALL, 'C.UTF-8');
    putenv('LANGUAGE=it_IT');
    bindtextdomain('informativa', MODULE . '/i18n');
    textdomain('informativa');
    $html = informativa_hook_core('1/', 'did');
    holds($html, '>Informativa privacy</label>', '<option value="no" selected>No</option>', '<option value="did">Sì</option>', 'Solo dopo l&#039;informativa, e solo chi l&#039;ha ricevuta');
}

// -- the dialplan --

/** Without a route or an entry that has it, the dialplan is to the letter what it is without the module. */
function test_no_field_no_change()
{
    $pbx = freepbx();
    incoming('0212345678');
    $with = dialplan(['0212345678/' => 'force'])->generateConf();
    same(false, strpos($with, 'informativa'));
    $route = ['action' => 'edtIncoming', 'extdisplay' => '0212345678/', 'extension' => '0212345678', 'cidnum' => ''];
    send($route + YES);
    same(true, dialplan(['0212345678/' => 'force'])->generateConf() !== $with);
    send($route + ['informativa_notice' => 'no']);
    same($with, dialplan(['0212345678/' => 'force'])->generateConf());
}

/** Call Recording hooks routes at 600, and the module after it. */
function test_after_call_recording()
{
    same(700, freepbx()->Informativa->myDialplanHooks());
}

/** Contexts and extensions of routes are core's: of a DID, of both, of any, and of a caller before or after DIDs. */
function test_places_of_routes()
{
    freepbx();
    $places = [
        ['1', '', '', 'ext-did-0002', '1'],
        ['1', '2', '', 'ext-did-0001', '1/2'],
        ['', '', '', 'ext-did-0001', 's'],
        ['', '2', '', 'ext-did-0002', 's/2'],
        ['', '2', 'CHECKED', 'ext-did-0001', 's/2'],
        ['_0212345XXX', '', '', 'ext-did-0002', '_0212345XXX'],
    ];
    foreach ($places as [$extension, $cidnum, $pricid, $context, $exten]) {
        same([$context, $exten], Dialplan::place(compact('extension', 'cidnum', 'pricid')));
    }
}

/** A held-back recording is the very step of Call Recording, moved; one that is not held back stays where it was. */
function test_recording_is_moved()
{
    freepbx();
    incoming('1');
    $step = 'Gosub(sub-record-check,s,1(in,${EXTEN},yes))';
    foreach (['route' => [2, 6], 'after' => [6, 5]] as $choice => [$recording, $notice]) {
        send(['action' => 'edtIncoming', 'extdisplay' => '1/', 'extension' => '1', 'cidnum' => '', 'informativa_recording' => $choice] + YES);
        $lines = array_values(preg_grep('/^exten => 1,/', explode("\n", dialplan(['1/' => 'yes'])->generateConf())));
        $at = array_keys(preg_grep('/sub-record-check/', $lines));
        same([[$recording], true], [$at, substr($lines[$recording], -strlen($step)) === $step]);
        same([$notice], array_keys(preg_grep('/informativa-notice/', $lines)));
    }
}

/** Where nothing is recorded, holding it back adds nothing; "only who was told" still says never for the others. */
function test_nothing_to_hold_back()
{
    freepbx();
    $route = ['extension' => '1', 'cidnum' => ''];
    send(['action' => 'addIncoming', 'informativa_recording' => 'after'] + $route + YES);
    same(false, strpos(dialplan()->generateConf(), 'sub-record-check'));
    send(['action' => 'edtIncoming', 'extdisplay' => '1/'] + $route + YES);
    holds(dialplan()->generateConf(), 'sub-record-check,s,1(in,${EXTEN},${IF($["${INFORMATIVA_STATUS}" = "PLAYED" | "${INFORMATIVA_STATUS}" = "NOTDUE"]?dontcare:never)}))');
}

/** A route that cannot be given the notice is on the dashboard, and until it can; no reload fails for it. */
function test_route_that_is_missed_is_told()
{
    $pbx = freepbx();
    send(['action' => 'addIncoming', 'extension' => '1', 'cidnum' => ''] + YES);
    $empty = new extensions();
    $pbx->Informativa->doDialplanHook($empty, 'asterisk', 700);
    same(['error', 'Privacy notice: not on all inbound routes', 'Callers of these routes hear no notice: 1/', '?display=informativa'], $pbx->Notifications->shown['informativa routes']);
    dialplan();
    same([], $pbx->Notifications->shown);
}

// -- destinations --

/** FreePBX finds entries among destinations, what they are, where they lead, and has them follow a new name. */
function test_entries_are_destinations()
{
    $pbx = freepbx();
    same(null, informativa_destinations());
    $pbx->Informativa->entries()->add('after the menu', '', 'ext-queues,600,1');
    same([['destination' => 'informativa-entries,1,1', 'description' => 'after the menu']], informativa_destinations());
    same(['informativa-entries,1,1'], informativa_getdest(1));
    $edit = 'config.php?display=informativa&view=form&extdisplay=1';
    $info = ['description' => 'Privacy notice: after the menu', 'edit_url' => $edit];
    same([$info, [], false], array_map('informativa_getdestinfo', ['informativa-entries,1,1', 'informativa-entries,2,1', 'ext-queues,600,1']));
    $use = [['dest' => 'ext-queues,600,1'] + $info];
    same([$use, $use, []], array_map('informativa_check_destinations', [true, ['ext-queues,600,1'], ['ext-queues,601,1']]));
    informativa_change_destination('ext-queues,600,1', 'ext-queues,700,1');
    informativa_change_destination('ext-queues,700,1', 'informativa-entries,1,1');
    same('ext-queues,700,1', $pbx->Informativa->entries()->get(1)['dest']);
}

/** An entry cannot lead to itself, nor to another: a call would go round for ever. */
function test_entries_do_not_go_round()
{
    $entries = freepbx()->Informativa->entries();
    $entries->add('a', '', 'informativa-entries,1,1');
    same('', $entries->get(1)['dest']);
    $GLOBALS['module_page'] = 'informativa';
    same(null, informativa_destinations());
    $GLOBALS['module_page'] = 'did';
    same(1, count(informativa_destinations()));
}

/** The page adds, changes and deletes entries, and each asks for a reload; a page without a destination leaves it. */
function test_page_of_entries()
{
    $module = freepbx()->Informativa;
    $_REQUEST = ['action' => 'save', 'description' => 'a', 'line' => '', 'goto0' => 'Queues', 'Queues0' => 'ext-queues,600,1'];
    $module->doConfigPageInit('informativa');
    $_REQUEST = ['extdisplay' => '1', 'description' => 'b', 'goto0' => ''] + $_REQUEST;
    $module->doConfigPageInit('did');
    same('a', $module->entries()->get(1)['description']);
    $module->doConfigPageInit('informativa');
    same(['id' => 1, 'description' => 'b', 'line' => '', 'dest' => 'ext-queues,600,1'], ['id' => (int) $module->entries()->get(1)['id']] + $module->entries()->get(1));
    $_REQUEST = ['action' => 'delete', 'extdisplay' => '1'];
    $module->doConfigPageInit('informativa');
    same([[], 3], [$module->entries()->all(), $GLOBALS['reloads']]);
}

/** Buttons stand on the form alone, and Delete where there is something to delete. */
function test_action_bar()
{
    $module = freepbx()->Informativa;
    $form = ['display' => 'informativa', 'view' => 'form'];
    same(['delete', 'reset', 'submit'], array_keys($module->getActionBar($form + ['extdisplay' => '1'])));
    same(['reset', 'submit'], array_keys($module->getActionBar($form)));
    same([[], []], [$module->getActionBar(['display' => 'informativa']), $module->getActionBar(['display' => 'did', 'view' => 'form'])]);
    holds($module->getRightNav($form), '?display=informativa');
}

// -- bulk handler, backup --

/** What is exported comes back by an import, for each kind of route; rows without the columns change nothing. */
function test_bulk_handler()
{
    $module = freepbx()->Informativa;
    foreach ([['1', ''], ['', '2'], ['3', '4']] as [$extension, $cidnum]) {
        incoming($extension, $cidnum);
    }
    $module->routes()->put('1', '', '', 'after');
    $module->routes()->put('3', '4', '+39021', 'told');
    $rows = $module->bulkhandlerExport('dids');
    same(['informativa_notice' => 'no', 'informativa_line' => '', 'informativa_recording' => 'route'], $rows['/2']);
    same(['informativa_notice' => 'line', 'informativa_line' => '+39021', 'informativa_recording' => 'told'], $rows['3/4']);
    same(array_keys($rows['/2']), array_keys($module->bulkhandlerGetHeaders('dids')));
    $before = $module->routes()->all();
    $module->routes()->delete('1', '');
    $module->routes()->put('', '2', '', 'after');
    FreePBX::Core()->bulkhandlerImport('dids', [['extension' => '3', 'cidnum' => '4']]);
    foreach ($rows as $id => $row) {
        [$extension, $cidnum] = Routes::split($id);
        FreePBX::Core()->bulkhandlerImport('dids', [compact('extension', 'cidnum') + $row]);
    }
    same($before, $module->routes()->all());
    same([null, null], [$module->bulkhandlerExport('extensions'), $module->bulkhandlerGetHeaders('extensions')]);
}

/** A backup laid down on a new FreePBX brings routes, entries under their numbers, and the console's address. */
function test_backup_and_restore()
{
    $module = freepbx()->Informativa;
    incoming('1');
    $module->routes()->put('1', '', '+39021', 'told');
    $module->entries()->put(7, 'a', '', 'ext-queues,600,1');
    $module->setConfig('console', 'https://pbx.example/');
    $kept = $module->backup();
    $module = freepbx()->Informativa;
    incoming('1');
    $module->setConfig('console', '');
    $module->restore(json_decode(json_encode($kept), true));
    same($kept, $module->backup());
    $module->restore([]);
    same('+39021', $module->routes()->get('1', '')['line']);
}

/** FreePBX's backup takes core's routes along, and its restore brings back what it kept. */
function test_classes_of_backup()
{
    require __DIR__ . '/bases.php';
    require MODULE . '/Backup.php';
    require MODULE . '/Restore.php';
    $pbx = freepbx();
    incoming('1');
    $pbx->Informativa->routes()->put('1', '', '', 'told');
    (new FreePBX\modules\Informativa\Backup($pbx))->runBackup(1, 1);
    same(['core'], FreePBX\modules\Backup\BackupBase::$dependencies);
    $pbx = freepbx();
    (new FreePBX\modules\Informativa\Restore($pbx))->runRestore();
    same('told', $pbx->Informativa->routes()->get('1', '')['recording']);
}

$argv[1]();
