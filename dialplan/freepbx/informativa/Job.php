<?php
// License: GPL-3.0-or-later, see LICENSE.
namespace FreePBX\modules\Informativa;

use Symfony\Component\Console\Input\InputInterface;
use Symfony\Component\Console\Output\OutputInterface;

/** What FreePBX's scheduler runs: the dashboard shows what is not in order, though nobody opens the page. */
class Job implements \FreePBX\Job\TaskInterface
{
    public static function run(InputInterface $input, OutputInterface $output)
    {
        \FreePBX::Informativa()->examine();
        return true;
    }
}
