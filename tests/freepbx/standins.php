<?php
/**
 * What the module touches of FreePBX, written anew from the interface that FreePBX 16 and 17 have: as much of each class
 * as the module calls, with the same names, arguments and order of things. None of FreePBX's code is here.
 */
set_error_handler(function ($level, $text, $file, $line) {
    throw new ErrorException("$text ($file:$line)", 0, $level, $file, $line);
});
define('FREEPBX_IS_AUTH', true);
define('MODULE', dirname(__DIR__, 2) . '/dialplan/freepbx/informativa');

// -- the dialplan, as FreePBX's modules write it: context → " extension " → steps --

class extensions
{
    public $_exts = [];
    public $plain = []; // contexts that may not include one of the admin's

    public function add($section, $extension, $tag, $command)
    {
        $this->_exts[$section][" $extension "][] = ['basetag' => '', 'tag' => $tag, 'addpri' => '', 'cmd' => $command];
    }

    /** Before the step with that number (from 0) or tag, and at the end where no step has the tag. */
    public function splice($section, $extension, $priority, $command, $new_tag = '')
    {
        $steps = $this->_exts[$section][" $extension "] ?? [];
        if (!$steps) {
            throw new Exception("nothing to splice into: $section $extension");
        }
        if (!ctype_digit((string) $priority)) {
            $at = array_search($priority, array_column($steps, 'tag'), true);
            $priority = $at === false ? count($steps) : $at;
        }
        array_splice($steps, $priority, 0, [['basetag' => '', 'tag' => $new_tag, 'addpri' => '', 'cmd' => $command]]);
        $this->_exts[$section][" $extension "] = $steps;
    }

    /** The step with that number, from 1. */
    public function remove($section, $extension, $priority)
    {
        array_splice($this->_exts[$section][" $extension "], $priority - 1, 1);
        return true;
    }

    public function addSectionNoCustom($section, $setting)
    {
        $this->plain[$section] = $setting;
    }

    public function generateConf()
    {
        $lines = [];
        foreach ($this->_exts as $section => $all) {
            $lines[] = "[$section]";
            foreach ($all as $extension => $steps) {
                foreach ($steps as $index => $step) {
                    $place = $index ? 'n' : '1';
                    $tag = $step['tag'] ? "({$step['tag']})" : '';
                    $lines[] = 'exten => ' . trim($extension) . ",$place$tag," . $step['cmd']->output();
                }
            }
            $lines[] = '';
        }
        return implode("\n", $lines);
    }
}

/** An application with its arguments as they are. */
class extension
{
    public $words;

    public function __construct(...$words)
    {
        $this->words = $words;
    }

    public function output()
    {
        return ucfirst(substr(static::class, 4)) . '(' . ($this->words[0] ?? '') . ')';
    }
}

class ext_noop extends extension
{
}

class ext_return extends extension
{
}

class ext_hangup extends extension
{
}

class ext_mixmonitor extends extension
{
}

class ext_set extends extension
{
    public function output()
    {
        return "Set({$this->words[0]}={$this->words[1]})";
    }
}

class ext_execif extends extension
{
    public function output()
    {
        [$condition, $application, $data] = $this->words;
        return "ExecIf($condition?$application($data))";
    }
}

class ext_goto extends extension
{
    public function output()
    {
        return 'Goto(' . implode(',', array_reverse($this->words)) . ')';
    }
}

class ext_gotoif extends extension
{
    public function output()
    {
        return "GotoIf({$this->words[0]}?{$this->words[1]})";
    }
}

class ext_gosub
{
    public $pri;
    public $ext;
    public $context;
    public $args;

    public function __construct($pri, $ext = false, $context = false, $args = '')
    {
        [$this->pri, $this->ext, $this->context, $this->args] = [$pri, $ext, $context, $args];
    }

    public function output()
    {
        return 'Gosub(' . implode(',', array_filter([$this->context, $this->ext, $this->pri])) . "({$this->args}))";
    }
}

class ext_gosubif extends extension
{
    public function output()
    {
        return "GosubIf({$this->words[0]}?{$this->words[1]}({$this->words[3]}))";
    }
}

// -- BMO --

interface BMO
{
    public function install();
    public function uninstall();
    public function backup();
    public function restore($backup);
}

class FreePBX_Helpers
{
    public $FreePBX;
    private static $kept = [];

    public function __construct($freepbx = null)
    {
        $this->FreePBX = $freepbx;
    }

    public function getConfig($key, $id = 'noid')
    {
        return self::$kept[$key] ?? false;
    }

    public function setConfig($key, $value = false, $id = 'noid')
    {
        self::$kept[$key] = $value;
        return true;
    }
}

/** FreePBX's own object: `FreePBX::Module()` and `$freepbx->Module`. */
class FreePBX
{
    public static $one;
    public $Database;
    public $Config;
    public $Notifications;
    public $Job;
    public $Hooks;
    public $Core;
    public $Informativa;

    public static function __callStatic($name, $arguments)
    {
        return self::$one->$name;
    }
}

class Config
{
    public $settings = ['AMPASTERISKUSER' => 'asterisk'];

    public function get($name)
    {
        return $this->settings[$name] ?? '';
    }
}

class Notifications
{
    public $shown = []; // "module id" → [kind, subject, text, link]

    public function __call($name, $arguments)
    {
        [$module, $id, $subject, $text, $link] = $arguments;
        $this->shown["$module $id"] = [substr($name, 4), $subject, $text, $link];
    }

    public function delete($module, $id)
    {
        unset($this->shown["$module $id"]);
    }
}

class Jobs
{
    public $jobs = [];

    public function addClass($module, $name, $class, $schedule, $seconds = 30, $enabled = true)
    {
        $this->jobs["$module $name"] = [$class, $schedule, $seconds];
    }

    public function remove($module, $name)
    {
        unset($this->jobs["$module $name"]);
    }
}

/** Tells modules of what a class of FreePBX has done: those that module.xml hooks to the method that asks for it. */
class Hooks
{
    public function processHooks(...$arguments)
    {
        $caller = debug_backtrace(DEBUG_BACKTRACE_IGNORE_ARGS, 2)[1];
        foreach (simplexml_load_file(MODULE . '/module.xml')->hooks->children() as $hooked) {
            foreach ($hooked->method as $method) {
                $hook = ["{$hooked['namespace']}\\{$hooked['class']}", (string) $method['callingMethod']];
                if ($hook === ["FreePBX\\modules\\{$caller['class']}", $caller['function']]) {
                    FreePBX::Informativa()->{(string) $method}(...$arguments);
                }
            }
        }
    }
}

/** Inbound routes: one is changed by being deleted and added, and refused where another has its DID and CID already. */
class Core
{
    public function getAllDIDs()
    {
        return FreePBX::Database()->query('SELECT * FROM incoming ORDER BY extension, cidnum')->fetchAll(PDO::FETCH_ASSOC);
    }

    public function getDID($extension = '', $cidnum = '')
    {
        $rows = FreePBX::Database()->prepare('SELECT * FROM incoming WHERE extension = ? AND cidnum = ?');
        $rows->execute([$extension, $cidnum]);
        return $rows->fetch(PDO::FETCH_ASSOC);
    }

    public function addDID($settings)
    {
        foreach (['extension', 'cidnum'] as $part) {
            $settings[$part] = trim(str_replace(['<', '>'], '', $settings[$part] ?? ''));
        }
        if ($this->getDID($settings['extension'], $settings['cidnum'])) {
            return false;
        }
        incoming($settings['extension'], $settings['cidnum'], $settings);
        FreePBX::Hooks()->processHooks($settings);
        return true;
    }

    public function delDID($extension, $cidnum)
    {
        FreePBX::Database()->prepare('DELETE FROM incoming WHERE extension = ? AND cidnum = ?')->execute([$extension, $cidnum]);
        FreePBX::Hooks()->processHooks($extension, $cidnum);
    }

    public function editDID($old_extension, $old_cidnum, $incoming)
    {
        $new = [trim($incoming['extension']), trim($incoming['cidnum'])];
        if ($new !== [$old_extension, $old_cidnum] && $this->getDID(...$new)) {
            return false;
        }
        $this->delDID($old_extension, $old_cidnum);
        $this->addDID($incoming);
        return true;
    }

    public function bulkhandlerImport($type, $rows, $replace = true)
    {
        foreach ($type === 'dids' ? $rows : [] as $row) {
            if ($replace && $this->getDID($row['extension'], $row['cidnum'])) {
                $this->delDID($row['extension'], $row['cidnum']);
            }
            $this->addDID($row);
        }
    }

    /** The page of an inbound route, before any other module gets the request. */
    public function doConfigPageInit(array $request)
    {
        [$extension, $cidnum] = array_pad(explode('/', $request['extdisplay'] ?? '', 2), 2, '');
        switch ($request['action'] ?? '') {
            case 'addIncoming':
                return $this->addDID($request);
            case 'delIncoming':
                return $this->delDID($extension, $cidnum);
            case 'edtIncoming':
                return $this->editDID($extension, $cidnum, $request);
        }
    }
}

class modgettext
{
    public static function _($text, $module)
    {
        return dgettext($module, $text);
    }
}

$reloads = 0;

function needreload()
{
    $GLOBALS['reloads']++;
}

function load_view($file, $variables = [])
{
    extract($variables);
    ob_start();
    include $file;
    return ob_get_clean();
}

function drawselects($chosen, $number)
{
    return "<select name=\"goto$number\"><option>$chosen</option></select>";
}

/** The tables that module.xml asks for, as FreePBX makes them at installation, and core's own of the inbound routes. */
function tables(PDO $database)
{
    $types = ['string' => 'VARCHAR', 'integer' => 'INTEGER'];
    foreach (simplexml_load_string(file_get_contents(MODULE . '/module.xml'))->database->table as $table) {
        $columns = $keys = [];
        foreach ($table->field as $field) {
            $columns[] = "{$field['name']} {$types[(string) $field['type']]}";
            if ((string) $field['primarykey'] === 'true') {
                $keys[] = $field['name'];
            }
        }
        $columns[] = 'PRIMARY KEY (' . implode(', ', $keys) . ')';
        $database->exec("CREATE TABLE {$table['name']} (" . implode(', ', $columns) . ')');
    }
    $database->exec('CREATE TABLE incoming (extension TEXT, cidnum TEXT, pricid TEXT, privacyman TEXT, destination TEXT)');
}

/** A FreePBX with the module in it, and nothing configured. */
function freepbx()
{
    $pbx = FreePBX::$one = new FreePBX();
    $pbx->Database = new PDO('sqlite::memory:', null, null, [PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION]);
    [$pbx->Config, $pbx->Notifications, $pbx->Job] = [new Config(), new Notifications(), new Jobs()];
    [$pbx->Hooks, $pbx->Core] = [new Hooks(), new Core()];
    tables($pbx->Database);
    require_once MODULE . '/Informativa.class.php';
    require_once MODULE . '/functions.inc.php';
    $pbx->Informativa = new FreePBX\modules\Informativa($pbx);
    return $pbx;
}

/** An inbound route of core's. */
function incoming($extension, $cidnum = '', array $more = [])
{
    $row = $more + ['pricid' => '', 'privacyman' => '0', 'destination' => 'ext-queues,600,1'];
    FreePBX::Database()->prepare('INSERT INTO incoming VALUES (?, ?, ?, ?, ?)')
        ->execute([$extension, $cidnum, $row['pricid'], $row['privacyman'], $row['destination']]);
}

// -- what FreePBX's other modules put into the dialplan around ours --

/**
 * All of the dialplan: core's inbound routes and each module's contexts, then what hooks into them, by its priority.
 *
 * @param array $recordings `extension/cidnum` → what Call Recording does on that route
 */
function dialplan(array $recordings = [])
{
    $ext = $GLOBALS['ext'] = new extensions();
    foreach (FreePBX::Core()->getAllDIDs() as $route) {
        core_route($ext, $route);
    }
    informativa_get_config('asterisk');
    $hooks = [600 => [function () use ($ext, $recordings) {
        callrecording_hook($ext, $recordings);
    }]];
    $priority = FreePBX::Informativa()->myDialplanHooks();
    $hooks[$priority === true ? 500 : $priority][] = function () use ($ext) {
        FreePBX::Informativa()->doDialplanHook($ext, 'asterisk', 0);
    };
    ksort($hooks);
    foreach (array_merge(...$hooks) as $hook) {
        $hook();
    }
    return $ext;
}

/** An inbound route as core 16 and 17 have it, in the steps that matter here. */
function core_route(extensions $ext, array $route)
{
    [$did, $cid] = [$route['extension'], $route['cidnum']];
    $only_cid = $did === '' && $cid !== '';
    $first = $only_cid ? (bool) $route['pricid'] : ($did === '') === ($cid === '');
    $context = $first ? 'ext-did-0001' : 'ext-did-0002';
    $exten = ($did === '' ? 's' : $did) . ($cid === '' ? '' : "/$cid");
    $steps = [
        ['', new ext_set('__DIRECTION', 'INBOUND')],
        ['', new ext_set('__FROM_DID', $did === '' ? '${IF($["${FROM_DID}" = ""]?${EXTEN}:${FROM_DID})}' : '${EXTEN}')],
    ];
    if ($route['privacyman'] === '1') {
        $steps[] = ['', new ext_gosub('1', 's', 'macro-privacy-mgr', '3,10')];
    } else {
        $steps[] = ['', new ext_set('__CALLINGNUMPRES_SV', '${CALLERID(num-pres)}')];
        $steps[] = ['', new ext_set('CALLERID(num-pres)', 'allowed_not_screened')];
    }
    $steps[] = ['did-cid-hook', new ext_noop('CallerID Entry Point')];
    $steps[] = ['dest-ext', new ext_goto(...array_reverse(explode(',', $route['destination'])))];
    if ($only_cid) {
        $ext->add($context, "_./$cid", '', new ext_set('__FROM_DID', '${EXTEN}'));
        $ext->add($context, "_./$cid", '', new ext_goto('1', 's'));
    }
    if ($exten === 's') {
        $ext->add('ext-did-catchall', '_.', '', new ext_set('__FROM_DID', '${EXTEN}'));
        $ext->add('ext-did-catchall', '_.', '', new ext_goto('1', 's', 'ext-did'));
    }
    foreach ($steps as [$tag, $step]) {
        $ext->add($context, $exten, $tag, $step);
    }
}

/** Call Recording hooks each route that it has a setting for, at its second step. */
function callrecording_hook(extensions $ext, array $recordings)
{
    foreach (FreePBX::Core()->getAllDIDs() as $route) {
        $mode = $recordings["{$route['extension']}/{$route['cidnum']}"] ?? null;
        if ($mode !== null) {
            [$context, $exten] = FreePBX\modules\Informativa\Dialplan::place($route);
            $ext->splice($context, $exten, 1, new ext_gosub('1', 's', 'sub-record-check', 'in,${EXTEN},' . $mode));
        }
    }
}
