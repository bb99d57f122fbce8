<?php
// License: GPL-3.0-or-later, see LICENSE.
namespace FreePBX\modules;

use FreePBX\modules\Informativa\Dialplan;
use FreePBX\modules\Informativa\Entries;
use FreePBX\modules\Informativa\Notices;
use FreePBX\modules\Informativa\Program;
use FreePBX\modules\Informativa\Routes;

foreach (['Routes', 'Entries', 'Dialplan', 'Program', 'Notices'] as $part) {
    require_once __DIR__ . "/$part.php";
}

/** The module as FreePBX sees it: each method is one that FreePBX calls, and hands on to what does the work. */
class Informativa extends \FreePBX_Helpers implements \BMO
{
    const COLUMNS = ['informativa_notice', 'informativa_line', 'informativa_recording'];

    /** Minutes of each hour at which FreePBX has the program examined. */
    const SCHEDULE = '*/10 * * * *';

    private $pbx;

    /** The row of the route that core deleted last, until it adds one. */
    private $deleted;

    public function __construct($freepbx = null)
    {
        parent::__construct($freepbx);
        $this->pbx = $freepbx;
    }

    public function routes()
    {
        return new Routes($this->pbx->Database);
    }

    public function entries()
    {
        return new Entries($this->pbx->Database);
    }

    /** informativa's command line, run as Asterisk's user. */
    public function program()
    {
        return new Program($this->pbx->Config->get('AMPASTERISKUSER') ?: 'asterisk');
    }

    // -- being installed, kept and taken away --

    public function install()
    {
        $this->pbx->Job->addClass('informativa', 'examine', 'FreePBX\modules\Informativa\Job', self::SCHEDULE, 60);
        needreload();
    }

    public function uninstall()
    {
        $this->pbx->Job->remove('informativa', 'examine');
        $this->notices()->clear();
        foreach (['informativa_routes', 'informativa_entries'] as $table) {
            $this->pbx->Database->exec("DROP TABLE IF EXISTS $table");
        }
        needreload();
    }

    /** @return array what the admin chose in FreePBX; ledgers and keys are the program's own to keep */
    public function backup()
    {
        return [
            'routes' => $this->routes()->all(),
            'entries' => $this->entries()->all(),
            'console' => (string) $this->getConfig('console'),
        ];
    }

    public function restore($backup)
    {
        foreach ($backup['routes'] ?? [] as $row) {
            $this->routes()->put($row['extension'], $row['cidnum'], $row['line'], $row['recording']);
        }
        foreach ($backup['entries'] ?? [] as $row) {
            $this->entries()->put($row['id'], $row['description'], $row['line'], $row['dest']);
        }
        $this->keepConsole($backup['console'] ?? '');
        needreload();
    }

    // -- the dialplan --

    public function myDialplanHooks()
    {
        return Dialplan::PRIORITY;
    }

    public function doDialplanHook(&$ext, $engine, $priority)
    {
        if ($engine !== 'asterisk') {
            return;
        }
        $missed = [];
        foreach ($this->routes()->all() as $route) {
            if (!Dialplan::route($ext, $route)) {
                $missed[] = $route['extension'] . '/' . $route['cidnum'];
            }
        }
        $this->notices()->missed($missed);
    }

    // -- the inbound route's field --

    /** Core has deleted a route, or does so to change it: then it adds it again at once. */
    public function routeDeleted($extension, $cidnum)
    {
        $this->deleted = $this->routes()->get($extension, $cidnum);
        $this->routes()->delete($extension, $cidnum);
    }

    /**
     * Core has saved a route, new or changed, by a page, an import or an API: with the field's values, or without, and
     * then a route that was only changed keeps what it had. What core refuses to save does not come here.
     */
    public function routeAdded($settings)
    {
        $before = $this->deleted;
        $this->deleted = null;
        $named = [$settings['oldExtension'] ?? $settings['extension'], $settings['oldCidnum'] ?? $settings['cidnum']];
        if (isset($settings['informativa_notice'])) {
            $this->saveFields($settings['extension'], $settings['cidnum'], $settings);
        } elseif ($before !== null && $named === [$before['extension'], $before['cidnum']]) {
            $this->routes()->put($settings['extension'], $settings['cidnum'], $before['line'], $before['recording']);
        }
    }

    private function saveFields($extension, $cidnum, array $fields)
    {
        if (in_array($fields['informativa_notice'], ['did', 'line'], true)) {
            $line = $fields['informativa_notice'] === 'line' ? $fields['informativa_line'] ?? '' : '';
            $this->routes()->put($extension, $cidnum, $line, $fields['informativa_recording'] ?? '');
        } else {
            $this->routes()->delete($extension, $cidnum);
        }
    }

    /** @return array the field's three values for a route, as page and bulk handler have them */
    public function fields($extension, $cidnum)
    {
        $row = $this->routes()->get($extension, $cidnum);
        $notice = $row === null ? 'no' : ($row['line'] === '' ? 'did' : 'line');
        return array_combine(self::COLUMNS, [$notice, $row['line'] ?? '', $row['recording'] ?? Routes::RECORDINGS[0]]);
    }

    // -- the bulk handler --

    public function bulkhandlerGetHeaders($type)
    {
        if ($type !== 'dids') {
            return null;
        }
        $words = [
            [_('Privacy notice'), _('no; did (the line is the DID); line (the one in the next column)')],
            [_('Privacy notice: line'), _('A line as informativa knows it')],
            [_('Privacy notice: recording'), _('route, after, told: see the help of the field on the inbound route')],
        ];
        $headers = [];
        foreach (self::COLUMNS as $index => $column) {
            $headers[$column] = ['identifier' => $words[$index][0], 'description' => $words[$index][1]];
        }
        return $headers;
    }

    public function bulkhandlerExport($type)
    {
        if ($type !== 'dids') {
            return null;
        }
        $rows = [];
        foreach ($this->pbx->Core->getAllDIDs() as $did) {
            $rows[$did['extension'] . '/' . $did['cidnum']] = $this->fields($did['extension'], $did['cidnum']);
        }
        return $rows;
    }

    // -- the module's own page --

    public function doConfigPageInit($page)
    {
        $request = $_REQUEST;
        $action = $page === 'informativa' ? $request['action'] ?? '' : '';
        if ($action === 'console') {
            $this->keepConsole($request['console'] ?? '');
        } elseif ($action === 'examine') {
            $this->examine();
        } elseif ($action === 'delete') {
            $this->entries()->delete($request['extdisplay'] ?? 0);
            needreload();
        } elseif ($action === 'save') {
            $this->saveEntry($request);
            needreload();
        }
    }

    /** An entry keeps its destination where the page names none that can be one. */
    private function saveEntry(array $request)
    {
        $chosen = $request['goto0'] ?? '';
        $before = $this->entries()->get($request['extdisplay'] ?? 0);
        $dest = Entries::place($request[$chosen . '0'] ?? '') ?: $before['dest'] ?? '';
        $values = [$request['description'] ?? '', $request['line'] ?? '', $dest];
        if (empty($request['extdisplay'])) {
            $this->entries()->add(...$values);
        } else {
            $this->entries()->put($request['extdisplay'], ...$values);
        }
    }

    private function keepConsole($address)
    {
        $web = filter_var($address, FILTER_VALIDATE_URL) && preg_match('/^https?:/i', $address);
        $this->setConfig('console', $web ? $address : '');
    }

    public function getActionBar($request)
    {
        if (($request['display'] ?? '') !== 'informativa' || ($request['view'] ?? '') !== 'form') {
            return [];
        }
        $buttons = [];
        foreach (['delete' => _('Delete'), 'reset' => _('Reset'), 'submit' => _('Submit')] as $name => $words) {
            $buttons[$name] = ['name' => $name, 'id' => $name, 'value' => $words];
        }
        if (empty($request['extdisplay'])) {
            unset($buttons['delete']);
        }
        return $buttons;
    }

    public function getRightNav($request)
    {
        return ($request['view'] ?? '') === 'form' ? load_view(__DIR__ . '/views/nav.php') : '';
    }

    public function ajaxRequest($command, &$setting)
    {
        return in_array($command, ['status', 'entries'], true);
    }

    public function ajaxHandler()
    {
        switch ($_REQUEST['command'] ?? '') {
            case 'status':
                return $this->program()->ask(['status']);
            case 'entries':
                return $this->entries()->all();
        }
        return false;
    }

    // -- the dashboard --

    /** Have the program look at itself, and put on the dashboard what it finds; FreePBX's job does so too. */
    public function examine()
    {
        $this->notices()->show($this->program());
    }

    private function notices()
    {
        return new Notices($this->pbx->Notifications, $this);
    }
}
