<?php
/** The module's tests: being installed, the program, the dashboard, the page. */
require __DIR__ . '/checks.php';

use FreePBX\modules\Informativa\Notices;
use FreePBX\modules\Informativa\Program;

// -- being installed and taken away --

/** Installed it is looked at each ten minutes; uninstalled nothing of it is left: job, notices, tables, dialplan. */
function test_install_and_uninstall()
{
    $pbx = freepbx();
    incoming('1');
    $before = dialplan()->generateConf();
    $pbx->Informativa->install();
    same(['informativa examine' => ['FreePBX\modules\Informativa\Job', '*/10 * * * *', 60]], $pbx->Job->jobs);
    send(['action' => 'edtIncoming', 'extdisplay' => '1/', 'extension' => '1', 'cidnum' => ''] + YES);
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

$argv[1]();
