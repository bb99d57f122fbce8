<?php
// License: GPL-3.0-or-later, see LICENSE.
namespace FreePBX\modules\Informativa;

/**
 * What the module puts into FreePBX's dialplan, and nothing where no route and no entry asks for it.
 *
 * `informativa-notice` calls informativa.conf, which is not FreePBX's to write; where that is missing, calls go on.
 * An inbound route then has three things more:
 *
 *     at its beginning        what the network said of the caller's number, before FreePBX shows it as allowed
 *     before `did-cid-hook`   Gosub(informativa-notice,s,1(LINE))
 *     after that, if asked    Call Recording's own Gosub, taken from the beginning of the route
 *
 * FreePBX shows every number as allowed: a route keeps what it was in CALLINGNUMPRES_SV, and one with Privacy Manager
 * nowhere, and there a caller may have typed a number that is not his. A withheld number makes nobody known.
 */
class Dialplan
{
    const NOTICE = 'informativa-notice';
    const RECORDING = 'sub-record-check';
    const TOLD = '"${INFORMATIVA_STATUS}" = "PLAYED" | "${INFORMATIVA_STATUS}" = "NOTDUE"';

    /** After Call Recording, which comes at 600 as all that hooks by `_hookGet_config`. */
    const PRIORITY = 700;

    /** Add the contexts that routes and entries call. */
    public static function contexts($ext, array $entries)
    {
        $ext->addSectionNoCustom(self::NOTICE, true);
        foreach (self::notice() as $step) {
            $ext->add(self::NOTICE, 's', '', $step);
        }
        $ext->add(self::NOTICE, 'h', '', self::hangup());
        if (!$entries) {
            return;
        }
        $ext->addSectionNoCustom(Entries::CONTEXT, true);
        foreach ($entries as $entry) {
            $ext->add(Entries::CONTEXT, $entry['id'], '', self::call($entry['line']));
            $ext->add(Entries::CONTEXT, $entry['id'], '', $entry['dest'] ? new \ext_goto($entry['dest']) : new \ext_hangup(''));
        }
        $ext->add(Entries::CONTEXT, 'h', '', self::hangup());
    }

    /**
     * Put the notice on an inbound route, before it goes to its destination.
     *
     * @return bool whether the route is there, with core's tag `did-cid-hook`
     */
    public static function route($ext, array $route)
    {
        [$context, $exten] = self::place($route);
        if (!self::tagged($ext, $context, $exten, 'did-cid-hook')) {
            return false;
        }
        $recording = $route['recording'] === 'route' ? null : self::take_recording($ext, $context, $exten);
        $ext->splice($context, $exten, 1, new \ext_execif(
            '$["${INFORMATIVA_PRESENTATION}" = ""]',
            'Set',
            '__INFORMATIVA_PRESENTATION=${CALLERID(num-pres)}'
        ));
        $ext->splice($context, $exten, 'did-cid-hook', self::call($route['line']));
        if ($route['recording'] === 'told') {
            $ext->splice($context, $exten, 'did-cid-hook', self::record_the_told($recording));
        } elseif ($recording) {
            $ext->splice($context, $exten, 'did-cid-hook', $recording);
        }
        return true;
    }

    /** Where core puts an inbound route (core 16 and 17, functions.inc.php): context and extension. */
    public static function place(array $route)
    {
        $extension = trim($route['extension']);
        $cidnum = trim($route['cidnum']);
        if ($extension === '' && $cidnum !== '') {
            $first = !empty($route['pricid']);
        } else {
            $first = ($extension === '') === ($cidnum === '');
        }
        $exten = ($extension === '' ? 's' : $extension) . ($cidnum === '' ? '' : '/' . $cidnum);
        return [$first ? 'ext-did-0001' : 'ext-did-0002', $exten];
    }

    private static function notice()
    {
        return [
            new \ext_set('LOCAL(shown)', '${CALLERID(num-pres)}'),
            new \ext_set('LOCAL(came)', '${IF($["${INFORMATIVA_PRESENTATION}" != ""]?${INFORMATIVA_PRESENTATION}:${CALLINGNUMPRES_SV})}'),
            // Privacy Manager says this of every number, a typed one too, and keeps nothing.
            new \ext_execif('$["${came}" = "" & "${shown}" = "allowed_passed_screen"]', 'Set', 'LOCAL(came)=unavailable'),
            new \ext_execif('$["${came}" != ""]', 'Set', 'CALLERID(num-pres)=${came}'),
            new \ext_gosubif('$[${DIALPLAN_EXISTS(informativa,s,1)}]', 'informativa,s,1', false, '${ARG1}'),
            new \ext_execif('$["${came}" != ""]', 'Set', 'CALLERID(num-pres)=${shown}'),
            new \ext_return(''),
        ];
    }

    private static function hangup()
    {
        return new \ext_gotoif('$[${DIALPLAN_EXISTS(macro-hangupcall,s,1)}]', 'macro-hangupcall,s,1');
    }

    private static function call($line)
    {
        return new \ext_gosub('1', 's', self::NOTICE, Routes::line($line) ?: '${FROM_DID}');
    }

    /** Take Call Recording's step off the beginning of a route. */
    private static function take_recording($ext, $context, $exten)
    {
        foreach (array_values($ext->_exts[$context][" $exten "]) as $index => $step) {
            if ($step['cmd'] instanceof \ext_gosub && $step['cmd']->context === self::RECORDING) {
                $ext->remove($context, $exten, $index + 1);
                return $step['cmd'];
            }
        }
        return null;
    }

    /** For who was told what the route says of recording, and for everybody else "never". */
    private static function record_the_told($recording)
    {
        $arguments = explode(',', $recording ? $recording->args : 'in,${EXTEN},dontcare');
        $mode = array_pop($arguments);
        $arguments[] = '${IF($[' . self::TOLD . ']?' . $mode . ':never)}';
        return new \ext_gosubif(
            '$[${DIALPLAN_EXISTS(' . self::RECORDING . ',s,1)}]',
            self::RECORDING . ',s,1',
            false,
            implode(',', $arguments)
        );
    }

    private static function tagged($ext, $context, $exten, $tag)
    {
        $steps = $ext->_exts[$context][" $exten "] ?? [];
        return in_array($tag, array_column($steps, 'tag'), true);
    }
}
