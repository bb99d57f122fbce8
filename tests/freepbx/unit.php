<?php
/**
 * The module's own tests, one of them a run: `php unit.php test_name`. Each has a sentence that says what it shows.
 * Nothing is printed where it holds.
 */
require __DIR__ . '/standins.php';

use FreePBX\modules\Informativa\Dialplan;
use FreePBX\modules\Informativa\Entries;
use FreePBX\modules\Informativa\Notices;
use FreePBX\modules\Informativa\Program;
use FreePBX\modules\Informativa\Routes;

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
    informativa_hookProcess_core($request['extdisplay'] ?? '', $request);
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

// -- the field of the inbound route --

/** A new route with the field on yes has a row, and its page shows what was chosen. */
function test_a_route_keeps_its_field()
{
    freepbx();
    incoming('0212345678');
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

/** A request without the field, as an API sends it, leaves the route as it was. */
function test_a_request_without_the_field_changes_nothing()
{
    $routes = freepbx()->Informativa->routes();
    send(['action' => 'addIncoming', 'extension' => '1', 'cidnum' => ''] + YES);
    send(['action' => 'edtIncoming', 'extdisplay' => '1/', 'extension' => '1', 'cidnum' => '']);
    send(['display' => 'did']);
    same('told', $routes->get('1', '')['recording']);
}

/** What is typed as a line comes into the dialplan as letters, digits, + and dots, and nothing else does. */
function test_nothing_typed_gets_into_the_dialplan()
{
    $pbx = freepbx();
    incoming('1');
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
    send(['action' => 'addIncoming', 'extension' => '0212345678', 'cidnum' => ''] + YES);
    same(true, dialplan(['0212345678/' => 'force'])->generateConf() !== $with);
    send(['action' => 'delIncoming', 'extdisplay' => '0212345678/']);
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
        send(['action' => 'addIncoming', 'extension' => '1', 'cidnum' => '', 'informativa_recording' => $choice] + YES);
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
    incoming('1');
    send(['action' => 'addIncoming', 'extension' => '1', 'cidnum' => '', 'informativa_recording' => 'after'] + YES);
    same(false, strpos(dialplan()->generateConf(), 'sub-record-check'));
    send(['action' => 'addIncoming', 'extension' => '1', 'cidnum' => ''] + YES);
    holds(dialplan()->generateConf(), 'sub-record-check,s,1(in,${EXTEN},${IF($["${INFORMATIVA_STATUS}" = "PLAYED" | "${INFORMATIVA_STATUS}" = "NOTDUE"]?dontcare:never)}))');
}

/** A route that cannot be given the notice is on the dashboard, and until it can; no reload fails for it. */
function test_route_that_is_missed_is_told()
{
    $pbx = freepbx();
    incoming('1');
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

/** The page adds, changes and deletes entries, and each asks for a reload. */
function test_page_of_entries()
{
    $module = freepbx()->Informativa;
    $_REQUEST = ['action' => 'save', 'description' => 'a', 'line' => '', 'goto0' => 'Queues', 'Queues0' => 'ext-queues,600,1'];
    $module->doConfigPageInit('informativa');
    $_REQUEST = ['extdisplay' => '1', 'description' => 'b'] + $_REQUEST;
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
    $module->bulkhandlerImport('dids', [['extension' => '3', 'cidnum' => '4']]);
    foreach ($rows as $id => $row) {
        [$extension, $cidnum] = Routes::split($id);
        $module->bulkhandlerImport('dids', [compact('extension', 'cidnum') + $row]);
    }
    same($before, $module->routes()->all());
    same([null, null, null], [$module->bulkhandlerExport('extensions'), $module->bulkhandlerGetHeaders('extensions'), $module->bulkhandlerImport('extensions', [])]);
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

/** The scheduler's job examines, and says that it is done. */
function test_job()
{
    require __DIR__ . '/bases.php';
    require MODULE . '/Job.php';
    $pbx = freepbx();
    $pbx->Informativa = with(new Program('asterisk', ['/nowhere']), $pbx);
    $input = new Symfony\Component\Console\Input\Given();
    same(true, FreePBX\modules\Informativa\Job::run($input, new Symfony\Component\Console\Output\Printed()));
    same(['informativa program'], array_keys($pbx->Notifications->shown));
}

// -- being installed and taken away --

/** Installed it is looked at each ten minutes; uninstalled nothing of it is left: job, notices, tables, dialplan. */
function test_install_and_uninstall()
{
    $pbx = freepbx();
    incoming('1');
    $before = dialplan()->generateConf();
    $pbx->Informativa->install();
    same(['informativa examine' => ['FreePBX\modules\Informativa\Job', '*/10 * * * *', 60]], $pbx->Job->jobs);
    send(['action' => 'addIncoming', 'extension' => '1', 'cidnum' => ''] + YES);
    (new Notices($pbx->Notifications, $pbx->Informativa))->show(program('exit 3'));
    $pbx->Informativa->uninstall();
    same([[], []], [$pbx->Job->jobs, $pbx->Notifications->shown]);
    same([['name' => 'incoming']], $pbx->Database->query("SELECT name FROM sqlite_master WHERE type = 'table'")->fetchAll(PDO::FETCH_ASSOC));
    same(false, strpos($before, 'informativa'));
}

// -- the program --

/** Its arguments go to it as they are, in its own process, with no shell between. */
function test_program_is_asked_without_a_shell()
{
    $script = 'printf \'{"arguments": "\'; printf "%s|" "$@"; printf \'"}\'';
    freepbx();
    $asked = program($script)->ask(['status', '$(touch x); `y` & *']);
    same(['answer' => ['arguments' => 'status|$(touch x); `y` & *|--json|-c|/etc/informativa/informativa.yaml|'], 'error' => ''], $asked);
}

/** An answer counts although the exit code says that something is wrong; what is no JSON is told in its own words. */
function test_program_that_finds_fault_or_fails()
{
    freepbx();
    same(['findings' => []], program('echo \'{"findings": []}\'; exit 1')->ask(['doctor'])['answer']);
    same(['answer' => null, 'error' => 'no such file'], program('echo "no such file" >&2; exit 1')->ask(['doctor']));
    $problem = ['file' => '/x.yaml', 'message' => 'there is no such file', 'remedy' => 'name yours with -c FILE'];
    $refused = json_encode(['ok' => false, 'problems' => [$problem, ['message' => 'b', 'remedy' => 'c']]]);
    $words = "/x.yaml: there is no such file → name yours with -c FILE\nb → c";
    same(['answer' => null, 'error' => $words], program("echo '$refused'; exit 1")->ask(['doctor']));
    same(['answer' => null, 'error' => 'absent'], (new Program('asterisk', ['/nowhere']))->ask(['doctor']));
}

/** A program that hangs is ended, and the page is not held. */
function test_program_that_hangs()
{
    freepbx();
    $began = microtime(true);
    same(['answer' => null, 'error' => 'late'], program('exec sleep 60', 0.2)->ask(['doctor']));
    same(true, microtime(true) - $began < 10);
}

/** More than a pipe holds, on both streams, is read to the end. */
function test_program_that_says_much()
{
    freepbx();
    $script = 'head -c 300000 /dev/zero | tr "\0" x >&2; printf \'{"a": "\'; head -c 300000 /dev/zero | tr "\0" x; printf \'"}\'';
    same(300000, strlen(program($script)->ask(['status'])['answer']['a']));
}

// -- the dashboard --

/** One notice for each check that is not well, with all its findings; one that is well again goes. */
function test_dashboard()
{
    $pbx = freepbx();
    $findings = [
        ['check' => 'service', 'state' => 'wrong', 'finding' => 'nothing answers <here>', 'fix' => 'systemctl restart informativa'],
        ['check' => 'spool', 'state' => 'warning', 'finding' => '3 wait', 'fix' => null],
        ['check' => 'spool', 'state' => 'ok', 'finding' => 'fine', 'fix' => null],
        ['check' => 'prompts', 'state' => 'warning', 'finding' => 'one', 'fix' => null],
        ['check' => 'prompts', 'state' => 'wrong', 'finding' => 'two', 'fix' => null],
    ];
    $notices = new Notices($pbx->Notifications, $pbx->Informativa);
    $notices->show(doctor($findings, ['/etc/asterisk/extensions_custom.conf:9']));
    same([
        'informativa service' => ['error', 'Privacy notice: service', 'nothing answers &lt;here&gt; → systemctl restart informativa', '?display=informativa'],
        'informativa spool' => ['warning', 'Privacy notice: spool', '3 wait', '?display=informativa'],
        'informativa prompts' => ['error', 'Privacy notice: prompts', 'one<br>two', '?display=informativa'],
    ], $pbx->Notifications->shown);
    $notices->show(doctor([$findings[1]], ['x']));
    same(['informativa spool'], array_keys($pbx->Notifications->shown));
    $notices->show(doctor([], ['x']));
    same([], $pbx->Notifications->shown);
}

/** Where Asterisk does not include informativa.conf, or there is no program, that is what the dashboard says. */
function test_dashboard_of_what_is_not_there()
{
    $pbx = freepbx();
    $notices = new Notices($pbx->Notifications, $pbx->Informativa);
    $notices->show(doctor([], []));
    holds($pbx->Notifications->shown['informativa dialplan'][2], 'at the end of /etc/asterisk/extensions_custom.conf', '#tryinclude informativa.conf');
    $notices->show(new Program('asterisk', ['/nowhere']));
    same(['informativa program'], array_keys($pbx->Notifications->shown));
    holds($pbx->Notifications->shown['informativa program'][2], 'informativa is not installed');
}

/** A program whose `doctor` and `dialplan install` say this. */
function doctor(array $findings, array $included)
{
    $said = ['doctor' => ['findings' => $findings], 'dialplan' => ['included' => $included, 'add_to' => '/etc/asterisk/extensions_custom.conf']];
    $script = 'case $1 in';
    foreach ($said as $word => $answer) {
        $script .= "\n$word) cat <<'EOF'\n" . json_encode($answer) . "\nEOF\n;;";
    }
    return program("$script\nesac");
}

/** The page shows what the program says of itself, with companies and lines, and leads to the console. */
function test_page_of_the_state()
{
    freepbx();
    $status = [
        'in_order' => false,
        'service' => ['answers' => false],
        'spool_rows' => 3,
        'warnings' => ['a < b'],
        'controllers' => [['name' => 'Acme', 'lines' => ['+390212345678'], 'live' => false, 'why_not' => 'no contract']],
    ];
    $html = load_view(MODULE . '/views/status.php', ['asked' => ['answer' => $status, 'error' => ''], 'console' => 'https://pbx.example/']);
    holds($html, 'Not all is in order.', 'The service does not answer', '3 deliveries wait', 'a &lt; b', 'Acme', '+390212345678', 'no contract', 'href="https://pbx.example/"');
    $html = load_view(MODULE . '/views/status.php', ['asked' => ['answer' => null, 'error' => 'late'], 'console' => '']);
    holds($html, 'informativa gave no answer in time.');
    same(false, strpos($html, 'Open informativa'));
}

/** The module with this program in place of the machine's. */
function with(Program $program, $pbx)
{
    $module = new class ($pbx) extends FreePBX\modules\Informativa {
        public $fixed;

        public function program()
        {
            return $this->fixed;
        }
    };
    $module->fixed = $program;
    return $module;
}

/** The page has state and entries, and the form of one entry; its button examines. */
function test_the_page_itself()
{
    $pbx = freepbx();
    $pbx->Informativa = with(new Program('asterisk', ['/nowhere']), $pbx);
    $pbx->Informativa->entries()->add('after the menu', '', 'ext-queues,600,1');
    $_REQUEST = ['display' => 'informativa', 'action' => 'examine'];
    $pbx->Informativa->doConfigPageInit('informativa');
    same(['informativa program'], array_keys($pbx->Notifications->shown));
    holds(load_view(MODULE . '/page.informativa.php'), '<h1>Privacy notice</h1>', 'informativa is not installed', 'after the menu', 'The number that was called');
    $_REQUEST = ['display' => 'informativa', 'view' => 'form', 'extdisplay' => '1'];
    holds(load_view(MODULE . '/page.informativa.php'), 'name="description" maxlength="50" value="after the menu" required', 'ext-queues,600,1');
}

/** The console's address is a web address or none: a link to a script is not kept. */
function test_address_of_the_console()
{
    $module = freepbx()->Informativa;
    foreach (['https://pbx.example:8443/' => 'https://pbx.example:8443/', 'javascript://x/%0aalert(1)' => '', 'x' => ''] as $typed => $kept) {
        $_REQUEST = ['action' => 'console', 'console' => $typed];
        $module->doConfigPageInit('informativa');
        same($kept, $module->getConfig('console'));
    }
}

/** AJAX answers the two commands that the module has. */
function test_ajax()
{
    $module = freepbx()->Informativa;
    $setting = [];
    same([true, true, false], array_map(function ($command) use ($module, &$setting) {
        return $module->ajaxRequest($command, $setting);
    }, ['status', 'entries', 'examine']));
    $_REQUEST = ['command' => 'entries'];
    same([], $module->ajaxHandler());
    $_REQUEST = ['command' => 'other'];
    same(false, $module->ajaxHandler());
}

$argv[1]();
