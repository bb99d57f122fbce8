<?php
// License: GPL-3.0-or-later, see LICENSE.
if (!defined('FREEPBX_IS_AUTH')) {
    die('No direct script access allowed');
}
$informativa = FreePBX::Informativa();
$id = (int) ($_REQUEST['extdisplay'] ?? 0);
if (($_REQUEST['view'] ?? '') === 'form') {
    $entry = $informativa->entries()->get($id);
    $content = load_view(__DIR__ . '/views/form.php', ['entry' => $entry]);
} else {
    $content = load_view(__DIR__ . '/views/status.php', [
        'asked' => $informativa->program()->ask(['status']),
        'console' => (string) $informativa->getConfig('console'),
    ]);
    $content .= load_view(__DIR__ . '/views/entries.php', ['entries' => $informativa->entries()->all()]);
}
?>
<div class="container-fluid">
	<h1><?php echo _('Privacy notice') ?></h1>
	<div class="well well-info"><?php echo _('On which inbound routes callers hear it is a field of each route (Other tab). What it says, whom it is played to and the proof are informativa\'s.') ?></div>
	<div class="fpbx-container"><div class="display full-border"><?php echo $content ?></div></div>
</div>
