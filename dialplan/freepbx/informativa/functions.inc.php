<?php
// License: GPL-3.0-or-later, see LICENSE.
// What FreePBX calls by name: each of these hands on to the module's classes.
if (!defined('FREEPBX_IS_AUTH')) {
    die('No direct script access allowed');
}

use FreePBX\modules\Informativa\Dialplan;
use FreePBX\modules\Informativa\Entries;
use FreePBX\modules\Informativa\Routes;

/** The module's contexts, where a route or an entry uses them. */
function informativa_get_config($engine)
{
    global $ext;
    $module = FreePBX::Informativa();
    $entries = $module->entries()->all();
    if ($engine === 'asterisk' && ($entries || $module->routes()->all())) {
        Dialplan::contexts($ext, $entries);
    }
}

/** The field on the page of an inbound route. */
function informativa_hook_core($viewing_itemid, $target_menuid)
{
    if ($target_menuid !== 'did') {
        return '';
    }
    [$extension, $cidnum] = Routes::split($viewing_itemid);
    return load_view(__DIR__ . '/views/route.php', FreePBX::Informativa()->fields($extension, $cidnum));
}

/** The notice as a destination; not for an entry itself, which could lead round in a circle. */
function informativa_destinations()
{
    global $module_page;
    if ($module_page === 'informativa') {
        return null;
    }
    $found = [];
    foreach (FreePBX::Informativa()->entries()->all() as $entry) {
        $found[] = ['destination' => Entries::destination($entry['id']), 'description' => $entry['description']];
    }
    return $found ?: null;
}

function informativa_destination_popovers()
{
    return ['informativa' => _('Privacy notice')];
}

function informativa_getdest($id)
{
    return [Entries::destination($id)];
}

/** @return array|false what a destination of ours is; [] where it is gone, false where it is not ours */
function informativa_getdestinfo($dest)
{
    $id = Entries::id($dest);
    if ($id === null) {
        return false;
    }
    $entry = FreePBX::Informativa()->entries()->get($id);
    return $entry ? ['description' => informativa_title($entry), 'edit_url' => informativa_edit_url($id)] : [];
}

/** Where the module's entries lead: all of it, or those of the destinations asked for. */
function informativa_check_destinations($dest = true)
{
    $found = [];
    foreach (FreePBX::Informativa()->entries()->all() as $entry) {
        if ($dest === true || in_array($entry['dest'], (array) $dest, true)) {
            $found[] = [
                'dest' => $entry['dest'],
                'description' => informativa_title($entry),
                'edit_url' => informativa_edit_url($entry['id']),
            ];
        }
    }
    return $found;
}

function informativa_change_destination($old_dest, $new_dest)
{
    FreePBX::Informativa()->entries()->move($old_dest, $new_dest);
}

function informativa_title(array $entry)
{
    return sprintf(_('Privacy notice: %s'), $entry['description']);
}

function informativa_edit_url($id)
{
    return 'config.php?display=informativa&view=form&extdisplay=' . urlencode((string) $id);
}
