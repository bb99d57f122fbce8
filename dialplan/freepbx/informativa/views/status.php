<?php
// License: GPL-3.0-or-later, see LICENSE.
// Gets $asked (what Program::ask returned for `status`) and $console (an address, or '').
use FreePBX\modules\Informativa\Notices;

$status = $asked['answer'];
$plain = function ($text) {
    return htmlspecialchars((string) $text, ENT_QUOTES, 'UTF-8');
};
?>
<h2><?php echo _('State') ?></h2>
<?php if ($status === null) { ?>
<div class="alert alert-danger"><?php echo $plain(Notices::silence($asked['error'])) ?></div>
<?php } else { ?>
<p class="alert alert-<?php echo $status['in_order'] ? 'success' : 'warning' ?>">
	<?php echo $status['in_order'] ? _('All is in order.') : _('Not all is in order.') ?>
	<?php echo $status['service']['answers'] ? _('The service answers.') : _('The service does not answer: callers are served by the script.') ?>
	<?php if ($status['spool_rows']) {
	    echo $plain(sprintf(_('%d deliveries wait in Asterisk\'s database.'), $status['spool_rows']));
	} ?>
</p>
<ul>
<?php foreach ($status['warnings'] as $warning) { ?>
	<li><?php echo $plain($warning) ?></li>
<?php } ?>
</ul>
<table class="table table-striped">
	<thead><tr><th><?php echo _('Company') ?></th><th><?php echo _('Lines') ?></th><th><?php echo _('Live') ?></th></tr></thead>
	<tbody>
<?php foreach ($status['controllers'] as $one) { ?>
		<tr><td><?php echo $plain($one['name']) ?></td><td><?php echo $plain(implode(', ', $one['lines'])) ?></td><td><?php echo $one['live'] ? _('Yes') : $plain($one['why_not']) ?></td></tr>
<?php } ?>
	</tbody>
</table>
<?php } ?>
<form method="post" action="config.php?display=informativa" class="form-inline">
	<input type="hidden" name="action" value="examine">
	<button class="btn btn-default"><?php echo _('Examine now, and tell on the dashboard') ?></button>
</form>
<h2><?php echo _('Console') ?></h2>
<?php if ($console !== '') { ?>
<p><a href="<?php echo $plain($console) ?>" target="_blank" rel="noopener noreferrer"><?php echo _('Open informativa\'s console') ?></a></p>
<?php } ?>
<form method="post" action="config.php?display=informativa" class="form-inline">
	<input type="hidden" name="action" value="console">
	<label for="console"><?php echo _('Its address') ?></label>
	<input type="url" class="form-control" id="console" name="console" value="<?php echo $plain($console) ?>" placeholder="https://">
	<button class="btn btn-default"><?php echo _('Save') ?></button>
</form>
